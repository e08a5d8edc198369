"""How a picture looks, in a few numbers: light, contrast, information, sharpness, and a hash of what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from kohya_wrap.domain.likeness import Print
from kohya_wrap.host import image_pixels

if TYPE_CHECKING:
    from PIL import Image

SIDE = 512  # pixels: what is looked at has a longer side of half of it to all of it
LEAST = SIDE // 2  # to be given to host/image_file
_HASHED = (9, 8)  # eight differences of neighbours in each of eight rows
_GRID = (8, 8)


@dataclass(frozen=True, slots=True)
class Look:
    """A picture the right way up, in sRGB, its transparent places white, at most SIDE pixels a side.

    Attributes:
        mean: brightness, 0 black to 1 white; darkest and lightest are its 5th and 99th percentile.
        entropy: bits; of all three channels together, as Pillow counts it.
        sharpness: the steepest edges over the picture's whole contrast; a step from one pixel to the next gives 1.
        grey: no colour anywhere.
        likeness: what it shows, for comparing; `mirrored` is that of its mirror image.
        hidden: the mean colour that lies under wholly transparent pixels; None where nothing is transparent.
    """

    mean: float
    darkest: float
    lightest: float
    entropy: float
    sharpness: float
    grey: bool
    likeness: Print
    mirrored: Print
    hidden: tuple[int, int, int] | None


def measure(picture: Image.Image) -> Look:
    """Measure a decoded picture, as it is stored and of any size and mode."""
    from PIL import Image

    small = _small(picture)
    seen = image_pixels.as_seen(small)
    grey = seen.convert("L")
    histogram = grey.histogram()
    steps = _pixels(seen.resize(_HASHED, Image.Resampling.BOX).convert("L"))
    grid = _pixels(seen.resize(_GRID, Image.Resampling.BOX))
    return Look(
        mean=sum(level * count for level, count in enumerate(histogram)) / sum(histogram) / 255,
        darkest=_percentile(histogram, 5) / 255,
        lightest=_percentile(histogram, 99) / 255,
        entropy=seen.entropy(),
        sharpness=_sharpness(grey, histogram),
        grey=_is_grey(seen),
        likeness=_print(steps, grid),
        mirrored=_print([row[::-1] for row in steps], [row[::-1] for row in grid]),
        hidden=_hidden(picture),
    )


def _small(picture: Image.Image) -> Image.Image:
    """Averaged by a whole factor, which is fast."""
    if picture.mode in ("P", "PA", "1"):  # their numbers cannot be averaged
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    factor = -(-max(picture.size) // SIDE)
    if factor == 1:
        return picture
    if picture.mode.startswith("I;16"):
        return picture.resize([max(1, side // factor) for side in picture.size])
    return picture.reduce(factor)


def _percentile(histogram: list[int], percent: int) -> int:
    wanted = sum(histogram) * percent / 100
    return next(level for level, below in enumerate(accumulate(histogram)) if below >= wanted)


def _sharpness(grey: Image.Image, histogram: list[int]) -> float:
    import numpy as np

    pixels = np.asarray(grey, dtype=np.int16)
    if min(pixels.shape) < 3:
        return 0.0
    centre = 4 * pixels[1:-1, 1:-1]
    laplacian = np.abs(centre - pixels[:-2, 1:-1] - pixels[2:, 1:-1] - pixels[1:-1, :-2] - pixels[1:-1, 2:])
    steepest = _percentile(np.bincount(laplacian.ravel(), minlength=1).tolist(), 99)
    contrast = _percentile(histogram, 99) - _percentile(histogram, 1)
    return min(1.0, steepest / contrast) if contrast else 0.0


def _is_grey(seen: Image.Image) -> bool:
    from PIL import ImageChops

    red, green, blue = seen.split()
    apart = (ImageChops.difference(red, other) for other in (green, blue))
    return all(one.point(lambda levels: 255 if levels > 8 else 0).getbbox() is None for one in apart)


def _pixels(picture: Image.Image) -> list[list[bytes]]:
    """Row by row, each pixel the bytes of its channels."""
    content, channels = picture.tobytes(), len(picture.mode)
    across = picture.width * channels
    rows = (content[start : start + across] for start in range(0, len(content), across))
    return [[row[i : i + channels] for i in range(0, across, channels)] for row in rows]


def _print(steps: list[list[bytes]], grid: list[list[bytes]]) -> Print:
    lighter = (row[i] < row[i + 1] for row in steps for i in range(len(row) - 1))
    dhash = sum(bit << place for place, bit in enumerate(lighter))
    return Print(dhash, b"".join(pixel for row in grid for pixel in row))


def _hidden(picture: Image.Image) -> tuple[int, int, int] | None:
    from PIL import Image, ImageStat

    if not picture.has_transparency_data:
        return None
    # The nearest pixels as they are: averaging would weigh each colour with its alpha.
    factor = -(-max(picture.size) // SIDE)
    layers = picture.resize(
        [max(1, side // factor) for side in picture.size], Image.Resampling.NEAREST
    ).convert("RGBA")
    unseen = layers.getchannel("A").point(lambda alpha: 255 if alpha == 0 else 0)
    if unseen.getbbox() is None:
        return None
    red, green, blue = ImageStat.Stat(layers.convert("RGB"), unseen).mean
    return round(red), round(green), round(blue)
