"""Read a train_data_dir by the engine's own rules, and say what it would skip in silence or die of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kohya_wrap.dataset import caption_files, folders, overlooked
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain import encoding
from kohya_wrap.domain.dataset import CaptionFacts, ImageFacts, Inventory, Subset, TrainingImage
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file

Read = Callable[[Path], ImageFacts]  # raises image_file.Unreadable

_CONCEPTS = {
    "train_data_dir": "training_data/10_concept",
    "reg_data_dir": "reg_data/1_class",
}  # by the option
_FILES = "image.png + image.txt"


def take(
    train_data_dir: Path,
    caption_extension: str | None,
    option: str = "train_data_dir",
    read: Read = image_file.facts,
) -> Inventory:
    """List what the engine would train on (engine contract, section 1).

    Args:
        caption_extension: None picks the one that is there: `.txt`, else `.caption`.
        option: that names the folder, or reg_data_dir.
        read: opens each image, in several threads.

    Raises:
        DatasetError: as `survey`; or files that cannot be read, all named.
    """
    found = survey(train_data_dir, caption_extension, read, option)
    errors = [finding for finding in found.findings if finding.level is Level.ERROR]
    if errors:
        raise refusal(train_data_dir, errors)
    return found


def survey(
    train_data_dir: Path,
    caption_extension: str | None,
    read: Read = image_file.facts,
    option: str = "train_data_dir",
) -> Inventory:
    """As `take`; what cannot be read is an error among the findings.

    Args:
        read: opens each image, in several threads.

    Raises:
        DatasetError: no such folder, no folder with a number, or no image.
    """
    listed = names(train_data_dir, option)
    with _looked_into():
        return _surveyed(listed, caption_extension, read, tuple(overlooked.beside(train_data_dir, listed)))


@contextmanager
def _looked_into() -> Iterator[None]:
    """Raises DatasetError: a folder may not be looked into."""
    try:
        yield
    except PermissionError as error:
        raise DatasetError(
            f"{error.filename} cannot be looked into: {error.strerror}.",
            why="Its rights do not allow it.",
            hint=f"chmod -R u+rX {typed(error.filename)}   (or ask its owner)",
        ) from error


def names(train_data_dir: Path, option: str = "train_data_dir") -> tuple[Folder, ...]:
    """What the engine would list, no file opened. Raises DatasetError, as `survey`."""
    concept = _CONCEPTS[option]
    with _looked_into():
        there = train_data_dir.is_dir()
    if not there and train_data_dir.exists():
        raise DatasetError(
            f"{train_data_dir} is a file, where a folder must be.",
            why="The images lie in N_concept folders of it.",
            hint=f"Name the folder that {concept.partition('/')[2]}/{_FILES} lie in.",
        )
    if not there:
        raise DatasetError(
            f"{train_data_dir} is not there.",
            why=f"The config's {option} names a folder that does not exist.",
            hint=f"Put images and captions into {concept}/{_FILES}, or: kohya-wrap init --images FOLDER --concept NAME"
            if option == "train_data_dir"
            else f"Put pictures of the class into {concept}, mend the path, or leave `{option}` out.",
        )
    with _looked_into():
        listed = folders.numbered(train_data_dir)
    if not any(folder.images for folder in listed):
        raise _nothing(train_data_dir, listed, concept)
    return listed


def survey_loose(pictures: Folder, caption_extension: str | None, read: Read = image_file.facts) -> Inventory:
    """As `survey`, of one folder that the engine does not read by its name."""
    with _looked_into():
        return _surveyed((pictures,), caption_extension, read, ())


def _surveyed(
    listed: tuple[Folder, ...], caption_extension: str | None, read: Read, beside: tuple[Finding, ...]
) -> Inventory:
    extension = folders.dotted(caption_extension) if caption_extension else folders.caption_extension(listed)
    problems: list[Finding] = []
    subsets = tuple(_subset(folder, extension, problems, read) for folder in listed)
    return Inventory(
        subsets,
        extension,
        (
            *problems,
            *beside,
            *overlooked.inside(listed),
            *overlooked.otherwise_spelled(subsets, extension),
            *overlooked.captions(subsets, extension),
        ),
    )


def of_folders(named: Sequence[Folder], extension: str, read: Read = image_file.facts) -> Inventory:
    """As `survey`, of folders that are named one by one, whatever they are called."""
    problems: list[Finding] = []
    subsets = tuple(_subset(folder, extension, problems, read) for folder in named)
    said = (*overlooked.inside(named), *overlooked.captions(subsets, extension))
    return Inventory(subsets, extension, (*problems, *said))


def _subset(folder: Folder, extension: str, problems: list[Finding], read: Read) -> Subset:
    """What can be read of it; the rest becomes a problem."""
    captions = [_caption(image, extension, folder.class_tokens) for image in folder.images]
    images = []
    for path, facts, caption in zip(folder.images, look(folder.images, read), captions, strict=True):
        wrong = [found for found in (facts, caption) if isinstance(found, Finding)]
        problems += [
            problem for problem in wrong if problem not in problems
        ]  # two images may share a caption
        if isinstance(facts, ImageFacts) and isinstance(caption, CaptionFacts):
            images.append(TrainingImage(path, facts, caption))
    return Subset(folder.path, folder.repeats, folder.class_tokens, tuple(images), extension)


def look(pictures: Sequence[Path], read: Read = image_file.facts) -> list[ImageFacts | Finding]:
    """What is in each, in their order, every file read to its last byte; or why it cannot be read."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(partial(_look, read), pictures))


def _look(read: Read, path: Path) -> ImageFacts | Finding:
    try:
        return read(path)
    except image_file.Unreadable as error:
        # What has no size dies in the bucketing; what ends too early, at its batch (engine contract, section 1).
        when = "at its start" if str(error).startswith("cannot identify") else "at its batch, hours later"
        return Finding(
            Level.ERROR,
            "unreadable",
            f"{path.parent.name}/{path.name} cannot be read ({error}); the engine would die {when}.",
            _remedy(path),
            str(path),
        )


def _remedy(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return f"Mend the link, or: rm {typed(path)}"
    if path.is_dir():
        return f"Put it elsewhere: mv {typed(path)} {typed(path.parent.parent)}"
    if not os.access(path, os.R_OK):
        return f"chmod u+r {typed(path)}"
    return f"Replace it, or: rm {typed(path)}"


def _caption(image: Path, extension: str, class_tokens: str) -> CaptionFacts | Finding:
    path = folders.caption_of(image, extension)
    if path is None:
        return _no_caption(Path(f"{image.with_suffix('')}{extension}")) or CaptionFacts(None, class_tokens)
    text = caption_text(path, "the engine would crash")
    if isinstance(text, Finding):
        return text
    if not path.stat().st_size:
        return Finding(
            Level.ERROR,
            "empty-caption",
            f"{path.parent.name}/{path.name} is empty: the engine refuses it.",
            f"Write a caption into it, or: rm {typed(path)}",
            str(path),
        )
    return CaptionFacts(path, text)


def caption_text(path: Path, not_read: str) -> str | Finding:
    """All of a caption, without a byte order mark, empty where there is no file; or why it cannot be had.

    Args:
        not_read: what comes of one that is no UTF-8.
    """
    if wrong := _no_caption(path):
        return wrong
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        return not_utf8(path, not_read)
    except PermissionError as error:
        return closed(path, error)


def _no_caption(path: Path) -> Finding | None:
    wrong = caption_files.no_caption(path)
    code = "caption-too-long" if wrong and path.is_file() else "no-caption-file"
    return Finding(Level.ERROR, code, wrong, _remedy(path), str(path)) if wrong else None


def closed(path: Path, error: PermissionError) -> Finding:
    return Finding(
        Level.ERROR,
        "closed",
        f"{path.parent.name}/{path.name} may not be read: {error.strerror}.",
        f"chmod u+r {typed(path)}",
        str(path),
    )


def not_utf8(path: Path, consequence: str) -> Finding:
    old, new = typed(path), typed(f"{path}.utf8")
    guessed = encoding.guess(path.read_bytes())
    is_not = f"is not UTF-8 ({guessed}?)" if guessed else "is not UTF-8"
    return Finding(
        Level.ERROR,
        "not-utf8",
        f"{path.parent.name}/{path.name} {is_not}: {consequence}.",
        f"iconv -f {guessed} -t UTF-8 {old} -o {new} && mv {new} {old}"
        if guessed
        else f"Save it as UTF-8 in your editor: {old}",
        str(path),
    )


def refusal(folder: Path, errors: Sequence[Finding]) -> DatasetError:
    """One error for all of them, which are attached."""
    first = errors[0]
    return DatasetError(
        first.message
        if len(errors) == 1
        else f"{len(errors)} files in {folder} cannot be used, the first: {first.message}",
        why="Such a file is damaged, closed to you, or no picture or caption at all.",
        hint=first.hint,
        findings=tuple(errors),
    )


def _nothing(parent: Path, listed: Sequence[Folder], concept: str) -> DatasetError:
    name = concept.partition("/")[2]
    there = [path for path in sorted(parent.iterdir()) if not path.name.startswith(".")]
    unnumbered = [path for path in there if path.is_dir()]
    if not listed and (unnumbered or any(image_file.looks_like_image(path) for path in there)):
        if unnumbered:
            number = name.partition("_")[0]
            hint = f"mv {typed(unnumbered[0])} {typed(parent / f'{number}_{unnumbered[0].name}')}"
        else:
            hint = f"cd {typed(parent)} && mkdir {name} && mv *.* {name}/"
        names = ", ".join(path.name for path in there[:4])
        return DatasetError(
            f"No numbered folder in {parent} (there: {names}).",
            why="The engine reads only folders whose name starts with a number (how often to repeat).",
            hint=hint,
        )
    taken = next((path for path in there if path.is_file() and folders.repeats_and_tokens(path.name)), None)
    if not listed and taken is not None:
        return DatasetError(
            f"{taken} is a file, where a folder of pictures must be.",
            why="It has the name of one, and the engine would pass over it.",
            hint=f"mv {typed(taken)} {typed(f'{taken}.old')} && mkdir {typed(taken)}   and put the pictures there",
        )
    return DatasetError(
        f"No image in {parent}.",
        why='The engine would say "No data found" and exit 0 with nothing trained.',
        hint=f"Put images and captions into {concept}/{_FILES}",
    )
