"""What the engine would read of a dataset folder, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.finding import Finding


class Misread(str, Enum):
    """Why the engine, which only converts to RGB, would not see what a person sees."""

    ROTATED = "turned by its EXIF orientation, which the engine ignores"
    ALPHA = "transparent in places, where the engine would train on the colour hidden there"
    DEPTH = "of more than 8 bits a channel, which the engine clips to white"
    COLOURS = "in other colours than sRGB, which the engine takes as they are"
    SIZE = "of a kind whose size the engine reads wrong from the header: one pixel less, or not at all"
    PACKED = "packed in a way that the engine's image library unpacks wrong"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is in an image file.

    Attributes:
        size: (width, height) in pixels, the right way up.
        format: Pillow's name of it, whatever the file's ending says.
        misread: what the engine would get wrong; empty for most.
        digest: of the file's bytes, hexadecimal.
    """

    size: Size
    format: str
    misread: frozenset[Misread]
    digest: str


@dataclass(frozen=True, slots=True)
class CaptionFacts:
    """What the engine trains an image with.

    Attributes:
        path: None where the folder's name takes its place.
        text: of the whole file, without a byte order mark; the class tokens where there is none.
    """

    path: Path | None
    text: str

    @property
    def line(self) -> str:
        """The first line, stripped: all that the engine reads of it, but with enable_wildcard."""
        return self.text.partition("\n")[0].strip()


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One image the engine would train on."""

    path: Path
    facts: ImageFacts
    caption: CaptionFacts


@dataclass(frozen=True)
class Subset:
    """One `N_concept` folder, or one that a dataset_config names.

    Attributes:
        caption_extension: as the inventory's, but where a dataset_config says another for this folder.
        options: what a dataset_config says for it, over the options beside it.
    """

    folder: Path
    repeats: int
    class_tokens: str
    images: tuple[TrainingImage, ...]
    caption_extension: str = ".txt"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """A whole train_data_dir.

    Attributes:
        caption_extension: the one these captions have, `.txt` where there is none.
        findings: errors are files that the engine would die of; they are in no subset.
    """

    subsets: tuple[Subset, ...]
    caption_extension: str
    findings: tuple[Finding, ...]

    @property
    def images(self) -> int:
        return sum(len(subset.images) for subset in self.subsets)

    @property
    def captions(self) -> int:
        return sum(image.caption.path is not None for subset in self.subsets for image in subset.images)

    def sized(self) -> list[tuple[Size, int]]:
        """(size, repeats) of every image, for domain/buckets."""
        return [(image.facts.size, subset.repeats) for subset in self.subsets for image in subset.images]
