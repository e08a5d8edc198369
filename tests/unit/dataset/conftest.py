"""Pictures of any size, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Picture = Callable[..., Path]


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """picture("data/10_a/x.png", caption="a cat"): the path below tmp_path; the format follows the name."""

    def make(name: str, size: tuple[int, int] = (12, 8), caption: str | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(path.suffix.lower()[1:], path.suffix[1:].upper())
        Image.new("RGB", size, (200, 30, 90)).save(path, kind)
        if caption is not None:
            path.with_suffix(".txt").write_text(caption, encoding="utf-8")
        return path

    return make
