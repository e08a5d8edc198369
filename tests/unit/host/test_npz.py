"""Which NumPy archives can be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kohya_wrap.host import npz


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.npz"
    np.savez(path, latents=np.ones((4, 16, 16), np.float32), size=np.array([64, 64]))
    return path


def test_a_whole_one(archive: Path) -> None:
    assert npz.is_whole(archive) and npz.is_finite(archive)


@pytest.mark.parametrize("kept", [0, 1, 200, 4000, -1])
def test_one_that_ends_too_early(archive: Path, kept: int) -> None:
    archive.write_bytes(archive.read_bytes()[:kept])
    assert not npz.is_whole(archive)


def test_one_with_a_changed_byte(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[1000] ^= 1
    archive.write_bytes(content)
    assert not npz.is_whole(archive)


def test_one_that_is_not_there_or_something_else(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("text")
    assert not npz.is_whole(tmp_path / "none.npz") and not npz.is_whole(tmp_path / "text.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number(archive: Path, value: float) -> None:
    np.savez(archive, latents=np.array([1.0, value]), size=np.array([1]))
    assert npz.is_whole(archive) and not npz.is_finite(archive)
