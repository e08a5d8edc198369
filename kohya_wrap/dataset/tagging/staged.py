"""Pictures laid out for a captioner that writes beside what it reads: links, and copies of what it would misread or not list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain.dataset import ImageFacts
from kohya_wrap.host import image_file, image_pixels

EXTENSION = ".txt"


@dataclass(frozen=True)
class Staged:
    """`folder` holds 000000.png, 000001.jpg …, in the order of `pictures`."""

    folder: Path
    pictures: tuple[Path, ...]

    def captions(self) -> Iterator[tuple[Path, str]]:
        """(picture, caption) of those that have one by now."""
        for number, picture in enumerate(self.pictures):
            written = self.folder / f"{number:06d}{EXTENSION}"
            if written.is_file() and (text := written.read_text(encoding="utf-8").strip()):
                yield picture, text


def lay_out(pictures: Sequence[tuple[Path, ImageFacts]], folder: Path) -> Staged:
    for number, (path, facts) in enumerate(pictures):
        if facts.misread or path.suffix not in image_file.ENGINE_EXTENSIONS:
            image_pixels.save_as_seen(path, folder / f"{number:06d}.png")
        else:
            (folder / f"{number:06d}{path.suffix}").symlink_to(path.resolve())
    return Staged(folder, tuple(path for path, _ in pictures))
