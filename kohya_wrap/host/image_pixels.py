"""An image as a person sees it: the right way up, 8 bits of sRGB, its transparent places laid on a colour."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kohya_wrap.domain.buckets import Size
from kohya_wrap.host.image_file import orientation_of

if TYPE_CHECKING:
    from PIL import Image

WHITE = "white"


def is_colour(name: str) -> bool:
    """Whether Pillow's ImageColor knows it."""
    from PIL import ImageColor

    try:
        ImageColor.getrgb(name)
    except ValueError:
        return False
    return True


def as_seen(image: Image.Image, background: str | None = WHITE) -> Image.Image:
    """The first frame of it, as RGB; as RGBA where `background` is None and there is transparency.

    Args:
        background: a colour as Pillow's ImageColor names it.
    """
    from PIL import Image, ImageOps

    image.load()  # what stands behind the pixels may say how the camera was held
    # Upright first: what comes after it forgets that.
    upright = image if orientation_of(image) == 1 else ImageOps.exif_transpose(image)
    seen = _srgb(_eight_bits(upright))
    if not seen.has_transparency_data:
        return seen.convert("RGB")
    layers = seen.convert("RGBA")
    if background is None:
        return layers
    ground = Image.new("RGBA", layers.size, background)
    return Image.alpha_composite(ground, layers).convert("RGB")


def save_as_seen(
    source: Path | BinaryIO, target: Path, background: str | None = WHITE, size: Size | None = None
) -> None:
    """Write `source` as it is seen, as PNG, and in another size where one is asked for (Lanczos)."""
    from PIL import Image

    with Image.open(source) as image:
        seen = as_seen(image, background)
    if size is not None and size != seen.size:
        seen = seen.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    packed = io.BytesIO()  # Pillow's own writing to a full disk says "encoder error", and no more
    seen.save(packed, "PNG", compress_level=1)
    target.write_bytes(packed.getbuffer())


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits a channel and floating point, which Pillow's own conversion clips."""
    if image.mode[0] not in "IF":
        return image
    import numpy as np
    from PIL import Image

    levels = np.asarray(image, dtype=np.float64)
    most = levels.max(initial=0)
    top = 65535.0 if image.mode.startswith("I;16") or most > 255 else 255.0 if most > 1 else 1.0
    shallow = Image.fromarray(np.clip(levels / top * 255 + 0.5, 0, 255).astype(np.uint8))
    shallow.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return shallow


def _srgb(image: Image.Image) -> Image.Image:
    """Colours by the profile that the file brings; without one, as Pillow converts them."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile:
        return image
    if image.mode in ("P", "PA"):  # the numbers of a palette's colours, which the profile is about
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    bare = image.convert("L" if image.mode == "LA" else "RGB") if alpha else image
    try:
        target = ImageCms.createProfile("sRGB")
        seen = ImageCms.profileToProfile(
            bare, ImageCms.ImageCmsProfile(io.BytesIO(profile)), target, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile of another colour space, or a broken one
        return image
    assert seen is not None  # only in place there is none
    if alpha:
        seen.putalpha(alpha)
    return seen
