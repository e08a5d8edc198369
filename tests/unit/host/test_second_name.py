"""A second name for a file: a hard link, else a symbolic one, else a copy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.host import second_name


def refuse(*_: Any) -> None:
    raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize(("missing", "hard", "symbolic"), [((), True, False), (("link",), False, True), (("link", "symlink"), False, False)])  # fmt: skip
def test_the_best_that_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], hard: bool, symbolic: bool
) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("content")
    for way in missing:
        monkeypatch.setattr(os, way, refuse)
    second_name.give(source, target)
    assert target.read_text() == "content"
    assert (target.stat().st_nlink == 2, target.is_symlink()) == (hard, symbolic)


def test_of_a_link_the_file_that_it_means(tmp_path: Path) -> None:
    """A relative one would point nowhere from another folder."""
    (tmp_path / "a").write_text("content")
    (tmp_path / "l").symlink_to("a")
    (tmp_path / "other").mkdir()
    second_name.give(tmp_path / "l", tmp_path / "other" / "b")
    (tmp_path / "l").unlink()
    assert (tmp_path / "other" / "b").read_text() == "content"
