"""What lies in a dataset and the engine would pass over in silence, or use twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from kohya_wrap.dataset.folders import Folder, is_listed, is_read
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.wording import counted
from kohya_wrap.host import image_file


def beside(parent: Path, folders: Sequence[Folder]) -> Iterator[Finding]:
    """What lies beside the numbered folders: ignored without a word, or with one that scrolls by."""
    numbered = [folder.path for folder in folders]
    for path in sorted(parent.iterdir()):
        if path.name.startswith(".") or path in numbered:
            continue
        if _holds_images(path):
            yield Finding(
                Level.WARNING,
                "folder-without-number",
                f"the engine ignores {path.name}/: its name does not start with a number above 0.",
                f"mv {typed(path)} {typed(path.with_name('10_' + path.name))}",
                str(path),
            )
        elif path.is_file() and image_file.looks_like_image(path):
            yield Finding(
                Level.WARNING,
                "loose-image",
                f"the engine ignores {path.name}: it lies beside the concept folders, not in one.",
                f"mv {typed(path)} {typed(next(iter(numbered), parent / '10_concept'))}/",
                str(path),
            )


def inside(folders: Sequence[Folder]) -> Iterator[Finding]:
    """What lies in a concept folder and is not read."""
    for folder in (folder.path for folder in folders):
        for path in sorted(folder.iterdir()):
            if _holds_images(path):
                yield Finding(
                    Level.WARNING,
                    "nested-folder",
                    f"the engine does not look into {folder.name}/{path.name}/.",
                    f"mv {typed(path)}/* {typed(folder)}/",
                    str(path),
                )
            elif path.is_file() and image_file.looks_like_image(path) and not is_read(path):
                yield Finding(
                    Level.WARNING,
                    "extension",
                    f"{path.name} is not read: no {path.suffix} can be.",
                    "Save it as .png or .jpg.",
                    str(path),
                )
        yield from _given_otherwise(folder)


def _given_otherwise(folder: Path) -> Iterator[Finding]:
    """Pictures that a plain folder would lack for the engine."""
    given = [path.name for path in sorted(folder.iterdir()) if is_read(path) and not is_listed(path)]
    if given:
        named = ", ".join(given[:5]) + (f" and {len(given) - 5} more" if given[5:] else "")
        yield Finding(
            Level.NOTE,
            "other-ending",
            f"the engine does not read the endings of {named} in {folder.name}/: it is given them under others.",
            where=str(folder),
        )


def _holds_images(path: Path) -> bool:
    """At any depth; links in it are not followed, which may lead in a circle, nor is what is hidden looked into."""
    if path.name.startswith(".") or not path.is_dir() or path.parent.resolve().is_relative_to(path.resolve()):
        return False
    for folder, inner, files in os.walk(path, onerror=_raise):  # which else passes over what is closed to it
        inner[:] = [name for name in inner if not name.startswith(".")]
        if any(image_file.looks_like_image(Path(folder, name)) for name in files):
            return True
    return False


def _raise(error: OSError) -> NoReturn:
    raise error


def otherwise_spelled(subsets: tuple[Subset, ...], extension: str) -> Iterator[Finding]:
    """`a.TXT`: to the engine, and to a file system that tells capitals apart, no caption."""
    for subset in subsets:
        without = {image.path.with_suffix("") for image in subset.images if image.caption.path is None}
        unread: dict[str, list[str]] = {}
        for path in sorted(subset.folder.iterdir()):
            spelled = path.suffix.lower() == extension.lower() and path.suffix != extension
            if spelled and path.with_suffix("") in without and path.is_file():
                unread.setdefault(path.suffix, []).append(path.name)
        for suffix, names in unread.items():
            named = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
            yield Finding(
                Level.WARNING,
                "caption-ending",
                f"the engine does not read {counted(len(names), 'caption')} in {subset.folder.name}/ with the ending {suffix}, "
                f"not {extension}: {named}.",
                f'(cd {typed(subset.folder)} && for f in *{suffix}; do mv "$f" "${{f%{suffix}}}{extension}"; done)',
                str(subset.folder),
            )


def captions(subsets: tuple[Subset, ...], extension: str) -> Iterator[Finding]:
    """Captions the engine would silently do without, or use twice."""
    for subset in subsets:
        missing = [image.path.name for image in subset.images if image.caption.path is None]
        if missing:
            instead = (
                f"the folder's name {subset.class_tokens!r}" if subset.class_tokens else "an empty caption"
            )
            yield Finding(
                Level.WARNING,
                "no-caption",
                f"{len(missing)} of {counted(len(subset.images), 'image')} in {subset.folder.name}/ "
                f"{'has' if len(missing) == 1 else 'have'} no "
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
