"""Which files of a train_data_dir are trained on, by their names alone (engine contract, section 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.host import image_file


@dataclass(frozen=True)
class Folder:
    """One `N_concept` folder; its images in the engine's order."""

    path: Path
    repeats: int
    class_tokens: str
    images: tuple[Path, ...]


def numbered(train_data_dir: Path) -> tuple[Folder, ...]:
    """The folders that the engine reads, by name."""
    return tuple(
        Folder(path, *parsed, tuple(sorted(inner for inner in path.iterdir() if is_read(inner))))
        for path in sorted(train_data_dir.iterdir())
        if path.is_dir() and (parsed := repeats_and_tokens(path.name))
    )


def of_concept(parent: Path, concept: str) -> tuple[Path, ...]:
    """Those of that name among numbered folders."""
    inside = sorted(parent.iterdir()) if parent.is_dir() else []
    named = ((path, repeats_and_tokens(path.name)) for path in inside if path.is_dir())
    return tuple(path for path, parsed in named if parsed and parsed[1] == concept)


def loose(pictures: Path, repeats: int) -> Folder:
    """A folder of pictures as if it were a concept folder."""
    return Folder(
        pictures, repeats, "", tuple(sorted(inner for inner in pictures.iterdir() if is_read(inner)))
    )


def repeats_and_tokens(name: str) -> tuple[int, str] | None:
    """`10_ok dog` -> (10, "ok dog"); None for a folder the engine ignores."""
    first, _, rest = name.partition("_")
    try:
        repeats = int(first)
    except ValueError:
        return None
    return (repeats, rest) if repeats > 0 else None


def unnumbered(caption: Path) -> Path:
    """`data/10_cat/a.txt` -> `data/cat/a.txt`, the same under whatever number a build gives the folder; elsewhere as it is."""
    parsed = repeats_and_tokens(caption.parent.name)
    return caption.parent.parent / parsed[1] / caption.name if parsed else caption


def called(named: Sequence[Path], among: Sequence[Path] = ()) -> list[str]:
    """The name of each folder, with as many folders above it as tell it from the others, and from those `among` it."""
    return [_called(path, {*named, *among} - {path}) for path in named]


def _called(path: Path, others: set[Path]) -> str:
    for depth in range(1, len(path.parts) + 1):
        if all(other.parts[-depth:] != path.parts[-depth:] for other in others):
            return Path(*path.parts[-depth:]).as_posix()
    return str(path)


def is_read(path: Path) -> bool:
    """Whether it is trained on: what the engine lists by its ending as it stands, and what the view gives it under another."""
    return is_listed(path) or (image_file.looks_like_image(path) and image_file.opens(path.suffix.lower()))


def is_listed(path: Path) -> bool:
    """Whether the engine lists it in a plain folder; a hidden file never."""
    return path.suffix in image_file.ENGINE_EXTENSIONS and not path.name.startswith(".")


def dotted(extension: str) -> str:
    """The engine takes "txt" for ".txt"."""
    return extension if extension.startswith(".") else "." + extension


def caption_extension(folders: Iterable[Folder]) -> str:
    """`.txt` as in the guide, unless more images have `.caption`, the engine's own default."""
    count: Counter[str] = Counter()
    for folder in folders:
        images = {path.with_suffix("") for path in folder.images}
        count.update(path.suffix for path in folder.path.iterdir() if path.with_suffix("") in images)
    return ".caption" if count[".caption"] > count[".txt"] else ".txt"


def caption_of(image: Path, extension: str) -> Path | None:
    """Beside the image under its stem; else under the stem less four `_` parts, as face cutters name them."""
    stem = str(image.with_suffix(""))
    parts = stem.split("_")
    stems = [stem, "_".join(parts[:-4])] if len(parts) >= 5 else [stem]
    return next((path for s in stems if (path := Path(s + extension)).is_file()), None)
