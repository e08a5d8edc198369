"""Two folders that change names."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from kohya_wrap.host import swap


def test_each_has_the_others_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not swap.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot")
    assert (tmp_path / "a/b").exists() and (tmp_path / "b/a").exists()


def test_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError):
        if not swap.exchange(tmp_path / "a", tmp_path / "b"):
            pytest.skip("this file system cannot")
    assert (tmp_path / "a").exists()


def test_a_system_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert swap.exchange(tmp_path / "a", tmp_path / "b") is False
