"""A dozen pictures with captions, drawn by code: what the demo trains on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

TRIGGER = "paper cutout"

_COLOURS = {"red": (205, 62, 56), "blue": (48, 92, 168), "green": (70, 140, 84), "ochre": (214, 160, 52)}
_SHAPES = ("circle", "square", "triangle")
_SIZES = ((384, 384), (448, 320), (320, 448))  # landscape and portrait too, so that there are buckets


def draw(folder: Path) -> int:
    """Write shape x colour as PNG with a caption each into `folder`; the number of pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(_COLOURS)
    count = 0
    for row, shape in enumerate(_SHAPES):
        for column, colour in enumerate(names):
            ground = names[(column + row + 1) % len(names)]
            picture = _picture(
                shape, _COLOURS[colour], _COLOURS[ground], _SIZES[(row + column) % 3], turn=15 * count
            )
            picture.save(folder / f"{colour}-{shape}.png")
            caption = f"{TRIGGER}, a {colour} {shape} on a pale {ground} ground\n"
            (folder / f"{colour}-{shape}.txt").write_text(caption, encoding="utf-8")
            count += 1
    return count


def _picture(
    shape: str, colour: tuple[int, int, int], ground: tuple[int, int, int], size: tuple[int, int], turn: int
) -> Image.Image:
    from PIL import Image, ImageDraw

    width, height = size
    pale = tuple(200 + part // 5 for part in ground)
    picture = Image.new("RGB", size, pale)
    pen = ImageDraw.Draw(picture)
    for x in range(-height, width, 24):  # a texture, so that the ground is not one flat colour
        pen.line([(x, height), (x + height, 0)], fill=tuple(part - 10 for part in pale), width=6)
    radius = min(size) * 0.34
    centre = (width / 2, height / 2)
    for offset, fill in ((9, tuple(part // 2 + 60 for part in pale)), (0, colour)):  # its shadow first
        at = (centre[0] + offset, centre[1] + offset, radius)
        if shape == "circle":
            pen.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], fill=fill)
        else:
            pen.regular_polygon(at, {"square": 4, "triangle": 3}[shape], rotation=turn, fill=fill)
    return picture
