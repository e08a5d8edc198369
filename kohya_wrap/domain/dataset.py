"""What the engine would read of a dataset folder, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain.finding import Finding


@dataclass(frozen=True)
class ImageFacts:
    """One image the engine would train on. `caption` is None where the folder's name takes its place."""

    path: Path
    size: tuple[int, int]  # (width, height) in pixels, EXIF rotation not applied: the engine ignores it
    caption: Path | None


@dataclass(frozen=True)
class Subset:
    """One `N_concept` folder."""

    folder: Path
    repeats: int
    class_tokens: str
    images: tuple[ImageFacts, ...]


@dataclass(frozen=True)
class Inventory:
    """A whole train_data_dir.

    Attributes:
        caption_extension: the one these captions have, `.txt` where there is none.
    """

    subsets: tuple[Subset, ...]
    caption_extension: str
    findings: tuple[Finding, ...]

    @property
    def images(self) -> int:
        return sum(len(subset.images) for subset in self.subsets)

    @property
    def captions(self) -> int:
        return sum(image.caption is not None for subset in self.subsets for image in subset.images)

    def sized(self) -> list[tuple[tuple[int, int], int]]:
        """(size, repeats) of every image, for domain/buckets."""
        return [(image.size, subset.repeats) for subset in self.subsets for image in subset.images]
