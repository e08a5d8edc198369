"""The training view: what stands for each image and caption in the folder that the engine is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kohya_wrap.domain.dataset import CaptionFacts, Inventory, Misread, TrainingImage

# Pillow's name of a format -> the ending under which the engine lists it; pictures of any other are given as PNG.
_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "BMP": ".bmp"}


@dataclass(frozen=True)
class Entry:
    """One image of the view.

    Attributes:
        name: `000001.png`; as wide as all others, so that no cache is taken for another's whose name begins alike.
        converted: why it is a converted copy; empty where it is the file itself.
        keeps_alpha: the copy has the transparency of the original, and not a colour in its place.
        caption: all that stands in the caption file, which is always there.
    """

    name: str
    image: TrainingImage
    converted: tuple[str, ...]
    keeps_alpha: bool
    caption: str


@dataclass(frozen=True)
class Folder:
    """One `N_concept` folder of the view, named as the user's: the LoRA's own metadata shows that name."""

    name: str
    entries: tuple[Entry, ...]


def of(inventory: Inventory, *, alpha_mask: bool, every_line: bool) -> tuple[Folder, ...]:
    """What the engine is given for what the user has, in the user's order.

    Args:
        alpha_mask: the engine reads transparency as a mask, so that it is kept.
        every_line: the engine draws one of a caption's lines (enable_wildcard), and does not read the first alone.
    """
    return tuple(
        Folder(subset.folder.name, tuple(_entries(subset.images, alpha_mask, every_line)))
        for subset in inventory.subsets
        if subset.images
    )


def _entries(images: tuple[TrainingImage, ...], alpha_mask: bool, every_line: bool) -> Iterator[Entry]:
    width = max(6, len(str(len(images))))
    for number, image in enumerate(images, 1):
        why = tuple(_converted(image, alpha_mask))
        ending = ".png" if why else _ENDINGS[image.facts.format]
        caption = _lines(image.caption) if every_line else image.caption.line
        yield Entry(f"{number:0{width}}{ending}", image, why, alpha_mask and bool(why), caption + "\n")


def _converted(image: TrainingImage, alpha_mask: bool) -> Iterator[str]:
    for misread in sorted(image.facts.misread, key=list(Misread).index):
        if not (misread is Misread.ALPHA and alpha_mask):
            yield misread.value
    if image.facts.format not in _ENDINGS:
        yield f"a {image.facts.format}, which the engine does not read"


def _lines(caption: CaptionFacts) -> str:
    stripped = (line.strip() for line in caption.text.split("\n"))
    return "\n".join(line for line in stripped if line)
