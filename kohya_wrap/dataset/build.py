"""Lay out `training_data/<repeats>_<concept>/` from a folder of images, and complete it: the source is only read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import inventory
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import repeats_for
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import atomic, image_file, image_pixels, lock

# The engine reads the first alone; a caption of any other ending is copied under that.
_CAPTIONS = (".txt", ".caption", ".TXT", ".Txt", ".CAPTION", ".Caption")


@dataclass(frozen=True)
class Built:
    """What stands in the concept folder now."""

    folder: Path
    images: int
    captions: int
    triggers_written: int
    converted: tuple[str, ...]  # formats the engine does not read, saved as PNG


def repeats(images: Path, wanted: str) -> int:
    """The folder's number: as asked, or `auto` for an epoch of 200 to 400 image passes."""
    return repeats_for(len(_pictures(images))) if wanted == "auto" else int(wanted)


def build(images: Path, target: Path, *, trigger: str) -> Built:
    """Hard-link (or copy) the pictures of `images`, copy their captions, write the trigger where it lacks.

    Raises:
        DatasetError: no folder, no picture in it, or pictures that cannot be read (all named).
    """
    pictures = _pictures(images)
    if not pictures:
        raise DatasetError(
            f"No picture in {images}.",
            why="Only files directly in that folder count: png, jpg, webp, bmp, gif, tiff.",
            hint="kohya-wrap init --images FOLDER_WITH_PICTURES --concept NAME",
        )
    if wrong := [found for found in inventory.look(pictures) if isinstance(found, Finding)]:
        raise inventory.refusal(images, wrong)
    with lock.hold(target), atomic.new_folder(target) as folder:
        return _fill(pictures, folder, target, trigger)


def _pictures(images: Path) -> list[Path]:
    if not images.is_dir():
        raise DatasetError(
            f"{images} is not a folder.",
            why="--images names the folder your pictures lie in.",
            hint="kohya-wrap init --images FOLDER --concept NAME",
        )
    return sorted(path for path in images.iterdir() if path.is_file() and image_file.looks_like_image(path))


def complete(subset: Subset, extension: str, trigger: str) -> int:
    """Write the trigger into the captions of a project's own folder that lack it; how many those were.

    Each is replaced, not written into: what is a link to a file of the user's becomes a file of the project's.
    """
    written = 0
    with lock.hold(subset.folder):
        for path in sorted(
            {i.caption.path or Path(f"{i.path.with_suffix('')}{extension}") for i in subset.images}
        ):
            old = path.read_text(encoding="utf-8-sig").strip() if path.exists() else ""
            new = _with_trigger(old, trigger)
            if new != old:
                atomic.write_text(path, new + "\n")
                written += 1
    return written


def not_taken(images: Path, folder: Path) -> list[Path]:
    """Pictures of `images` that do not lie in a folder built before."""
    used: set[str] = set()
    return [path for path in _pictures(images) if not _lies_in(folder, _free_stem(path.stem, used), path)]


def _lies_in(folder: Path, stem: str, source: Path) -> bool:
    suffix = source.suffix
    if suffix.lower() not in image_file.ENGINE_EXTENSIONS:
        return (folder / f"{stem}.png").is_file()
    built = folder / (stem + (suffix if suffix in image_file.ENGINE_EXTENSIONS else suffix.lower()))
    return built.is_file() and built.stat().st_size == source.stat().st_size


def _fill(pictures: list[Path], folder: Path, target: Path, trigger: str) -> Built:
    used: set[str] = set()
    captions = written = 0
    converted = []
    for source in pictures:
        name = _free_stem(source.stem, used)
        if source.suffix in image_file.ENGINE_EXTENSIONS:
            atomic.link_or_copy(source, folder / (name + source.suffix))
        elif source.suffix.lower() in image_file.ENGINE_EXTENSIONS:  # .Jpg
            atomic.link_or_copy(source, folder / (name + source.suffix.lower()))
        else:
            image_pixels.save_as_seen(source, folder / f"{name}.png")
            converted.append(source.name)
        old = _caption_of(source)
        new = _with_trigger(old, trigger)
        if new:
            (folder / f"{name}.txt").write_text(new + "\n", encoding="utf-8")
            captions += 1
            written += new != old
    return Built(target, len(pictures), captions, written, tuple(converted))


def _free_stem(stem: str, used: set[str]) -> str:
    """`a.png` and `a.jpg` would share one caption and one latent cache: the second becomes `a-2`."""
    name, number = stem, 2
    while name.lower() in used:
        name, number = f"{stem}-{number}", number + 1
    used.add(name.lower())
    return name


def _caption_of(picture: Path) -> str:
    """The user's caption, as text without a byte order mark; empty where there is none."""
    beside = (picture.with_suffix(ending) for ending in _CAPTIONS)
    path = next((path for path in beside if path.is_file()), None)
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise inventory.refusal(
            path.parent, [inventory.not_utf8(path, "no caption can be read from it")]
        ) from None


def _with_trigger(caption: str, trigger: str) -> str:
    """The trigger in front, unless the caption has it."""
    if not trigger or has_trigger(caption, trigger):
        return caption
    return f"{trigger}, {caption}" if caption else trigger
