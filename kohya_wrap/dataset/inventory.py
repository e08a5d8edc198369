"""Read a train_data_dir by the engine's own rules, and say what it would skip in silence."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kohya_wrap.domain.dataset import ImageFacts, Inventory, Subset
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file

LAYOUT = "training_data/10_concept/image.png + image.txt"


def take(train_data_dir: Path, caption_extension: str | None) -> Inventory:
    """List what the engine would train on (engine contract, section 1).

    Args:
        caption_extension: None picks the one that is there: `.txt`, else `.caption`.

    Raises:
        DatasetError: no such folder, no folder with a number, no image, or files that cannot be read.
    """
    look(train_data_dir)
    folders = _numbered(train_data_dir)
    extension = _dotted(caption_extension) if caption_extension else _caption_extension(folders)
    paths = {folder: sorted(path for path in folder.iterdir() if _is_read(path)) for folder in folders}
    found = iter(sizes(train_data_dir, [path for inside in paths.values() for path in inside]))
    subsets = tuple(
        Subset(
            folder,
            repeats,
            tokens,
            tuple(ImageFacts(path, next(found), _caption(path, extension)) for path in paths[folder]),
        )
        for folder, (repeats, tokens) in folders.items()
    )
    for subset in subsets:
        for image in subset.images:
            if image.caption is not None:
                _readable_caption(image.caption)
    findings = [
        *_beside(train_data_dir, folders),
        *_skipped(folders),
        *_otherwise_spelled(subsets, extension),
        *_captions(subsets, extension),
    ]
    return Inventory(subsets, extension, tuple(findings))


def look(train_data_dir: Path) -> None:
    """Look at the names alone, no file is read.

    Raises:
        DatasetError: no such folder, no folder with a number, no image.
    """
    if not train_data_dir.is_dir():
        raise DatasetError(
            f"{train_data_dir} is not there.",
            why="The config's train_data_dir names a folder that does not exist.",
            hint=f"Put images and captions into {LAYOUT}, or: kohya-wrap init --images FOLDER --concept NAME",
        )
    folders = _numbered(train_data_dir)
    if not any(_is_read(path) for folder in folders for path in folder.iterdir()):
        raise _nothing(train_data_dir, folders)


def repeats_and_tokens(name: str) -> tuple[int, str] | None:
    """`10_ok dog` -> (10, "ok dog"); None for a folder the engine ignores."""
    first, _, rest = name.partition("_")
    try:
        repeats = int(first)
    except ValueError:
        return None
    return (repeats, rest) if repeats > 0 else None


def _numbered(parent: Path) -> dict[Path, tuple[int, str]]:
    found = {}
    for folder in sorted(parent.iterdir()):
        if folder.is_dir() and (parsed := repeats_and_tokens(folder.name)):
            found[folder] = parsed
    return found


def _dotted(extension: str) -> str:
    """The engine takes "txt" for ".txt"."""
    return extension if extension.startswith(".") else "." + extension


def _caption_extension(folders: dict[Path, tuple[int, str]]) -> str:
    """`.txt` as in the guide, unless more images have `.caption`, the engine's own default."""
    files = [path for folder in folders for path in folder.iterdir()]
    images = {path.with_suffix("") for path in files if _is_read(path)}
    count = Counter(path.suffix for path in files if path.with_suffix("") in images)
    return ".caption" if count[".caption"] > count[".txt"] else ".txt"


def _is_read(path: Path) -> bool:
    """Whether the engine lists it: by its ending as it stands, and no hidden file."""
    return path.suffix in image_file.ENGINE_EXTENSIONS and not path.name.startswith(".")


def sizes(folder: Path, pictures: Sequence[Path]) -> list[tuple[int, int]]:
    """(width, height) of each, in their order, every file read to its last byte.

    Args:
        folder: that they lie in, or below.

    Raises:
        DatasetError: those that cannot be read, all named.
    """
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(_size_or_reason, pictures))
    bad = [(path, why) for path, why in zip(pictures, read, strict=True) if isinstance(why, str)]
    if bad:
        names = ", ".join(f"{path.relative_to(folder)} ({why})" for path, why in bad[:5])
        names += f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise DatasetError(
            f"{len(bad)} picture(s) in {folder} cannot be read: {names}.",
            why="Such a file is damaged or is no picture; the engine would die at its batch, hours later.",
            hint=f"Replace or remove: rm {' '.join(_typed(path) for path, _ in bad)}",
        )
    return [size for size in read if not isinstance(size, str)]


def _size_or_reason(path: Path) -> tuple[int, int] | str:
    try:
        return image_file.size(path)
    except image_file.Unreadable as error:
        return str(error)


def _caption(image: Path, extension: str) -> Path | None:
    """Beside the image under its stem; else under the stem less four `_` parts, as face cutters name them."""
    stem = str(image.with_suffix(""))
    parts = stem.split("_")
    stems = [stem, "_".join(parts[:-4])] if len(parts) >= 5 else [stem]
    return next((path for s in stems if (path := Path(s + extension)).is_file()), None)


def _readable_caption(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise not_utf8(
            path, "It was saved in another encoding (Shift_JIS?); the engine would crash."
        ) from None
    if not text:
        raise DatasetError(
            f"{path} is empty.",
            why="The engine refuses an empty caption file.",
            hint=f"Write a caption into it, or: rm {_typed(path)}",
        )


def not_utf8(path: Path, why: str) -> DatasetError:
    old, new = _typed(path), _typed(f"{path}.utf8")
    return DatasetError(
        f"{path} is not UTF-8.",
        why=why,
        hint=f"iconv -f SHIFT_JIS -t UTF-8 {old} -o {new} && mv {new} {old}",
    )


def _typed(path: Path | str) -> str:
    """A path as it stands in a command, whatever is in its name."""
    return shlex.quote(str(path))


def _beside(parent: Path, folders: dict[Path, tuple[int, str]]) -> Iterator[Finding]:
    """What lies beside the numbered folders: ignored without a word, or with one that scrolls by."""
    for path in sorted(parent.iterdir()):
        if path.name.startswith(".") or path in folders:
            continue
        if _holds_images(path):
            yield Finding(
                Level.WARNING,
                "folder-without-number",
                f"the engine ignores {path.name}/: its name does not start with a number above 0.",
                f"mv {_typed(path)} {_typed(path.with_name('10_' + path.name))}",
                str(path),
            )
        elif path.is_file() and image_file.looks_like_image(path):
            yield Finding(
                Level.WARNING,
                "loose-image",
                f"the engine ignores {path.name}: it lies beside the concept folders, not in one.",
                f"mv {_typed(path)} {_typed(next(iter(folders), parent / '10_concept'))}/",
                str(path),
            )


def _skipped(folders: dict[Path, tuple[int, str]]) -> Iterator[Finding]:
    """What lies in a concept folder and is not read."""
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if _holds_images(path):
                yield Finding(
                    Level.WARNING,
                    "nested-folder",
                    f"the engine does not look into {folder.name}/{path.name}/.",
                    f"mv {_typed(path)}/* {_typed(folder)}/",
                    str(path),
                )
            elif path.is_file() and image_file.looks_like_image(path) and not _is_read(path):
                yield Finding(
                    Level.WARNING,
                    "extension",
                    f"the engine does not read {path.name} ({path.suffix}).",
                    "Save it as .png or .jpg.",
                    str(path),
                )


def _holds_images(path: Path) -> bool:
    return path.is_dir() and any(image_file.looks_like_image(inner) for inner in path.iterdir())


def _otherwise_spelled(subsets: tuple[Subset, ...], extension: str) -> Iterator[Finding]:
    """`a.TXT`: to the engine, and to a file system that tells capitals apart, no caption."""
    for subset in subsets:
        without = {image.path.with_suffix("") for image in subset.images if image.caption is None}
        unread: dict[str, list[str]] = {}
        for path in sorted(subset.folder.iterdir()):
            if path.suffix.lower() == extension.lower() and path.with_suffix("") in without:
                unread.setdefault(path.suffix, []).append(path.name)
        for suffix, names in unread.items():
            named = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
            yield Finding(
                Level.WARNING,
                "caption-ending",
                f"the engine does not read {len(names)} captions in {subset.folder.name}/ that end in {suffix}, "
                f"not {extension}: {named}.",
                f'(cd {_typed(subset.folder)} && for f in *{suffix}; do mv "$f" "${{f%{suffix}}}{extension}"; done)',
                str(subset.folder),
            )


def _captions(subsets: tuple[Subset, ...], extension: str) -> Iterator[Finding]:
    """Captions the engine would silently do without, or use twice."""
    for subset in subsets:
        missing = [image.path.name for image in subset.images if image.caption is None]
        if missing:
            instead = (
                f"the folder's name {subset.class_tokens!r}" if subset.class_tokens else "an empty caption"
            )
            yield Finding(
                Level.WARNING,
                "no-caption",
                f"{len(missing)} of {len(subset.images)} images in {subset.folder.name}/ have no "
                f"{extension}: trained with {instead}.",
                f"Write e.g. {Path(missing[0]).stem}{extension}",
                str(subset.folder),
            )
    stems = Counter(image.path.with_suffix("") for subset in subsets for image in subset.images)
    for stem in sorted(stem for stem, count in stems.items() if count > 1):
        yield Finding(
            Level.WARNING,
            "same-stem",
            f"{stems[stem]} pictures are called {stem.name}: they share one caption.",
            "Rename all but one of them, and their captions.",
            str(stem),
        )


def _nothing(parent: Path, folders: dict[Path, tuple[int, str]]) -> DatasetError:
    there = [path for path in sorted(parent.iterdir()) if not path.name.startswith(".")]
    unnumbered = [path for path in there if path.is_dir()]
    if not folders and (unnumbered or any(image_file.looks_like_image(path) for path in there)):
        if unnumbered:
            hint = f"mv {_typed(unnumbered[0])} {_typed(parent / ('10_' + unnumbered[0].name))}"
        else:
            hint = f"cd {_typed(parent)} && mkdir 10_concept && mv *.* 10_concept/"
        names = ", ".join(path.name for path in there[:4])
        return DatasetError(
            f"No numbered folder in {parent} (there: {names}).",
            why="The engine reads only folders whose name starts with a number (how often to repeat).",
            hint=hint,
        )
    return DatasetError(
        f"No image in {parent}.",
        why='The engine would say "No data found" and exit 0 with nothing trained.',
        hint=f"Put images and captions into {LAYOUT}",
    )
