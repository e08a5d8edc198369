"""Check a dataset_config of the user's, and read every image and caption that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from errno import ELOOP, ENAMETOOLONG
from pathlib import Path

from kohya_wrap.dataset import folders, inventory
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain import dataset_config
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import image_file
from kohya_wrap.workflow import dataset_file
from kohya_wrap.workflow.configured import Configured, ConfiguredSubset, Table
from kohya_wrap.workflow.dataset_file import DatasetFile, of_subset


def read(path: Path, given: Table, where: str) -> Configured:
    """As `survey`. Raises DatasetError besides: a file that cannot be read."""
    found = survey(path, given, where)
    if errors := [finding for finding in found.findings if finding.level is Level.ERROR]:
        raise inventory.refusal(path, errors)
    return found


def survey(path: Path, given: Table, where: str, look: inventory.Read = image_file.facts) -> Configured:
    """Read it, and every image and caption that it names; what cannot be read is an error among the findings.

    Args:
        given: the options beside it, as the user gave them.
        where: the line that names it.
        look: opens each image, in several threads.

    Raises:
        ConfigError: it cannot be read, or the engine would refuse it; all findings attached.
    """
    file, listed = names(path, given, where)
    found = [
        ConfiguredSubset(one.place, one.options, inventory.of_folders([one.folder], one.extension, look))
        for one in listed
    ]
    of_files = dict.fromkeys(finding for subset in found for finding in subset.seen.findings)
    return Configured(file, tuple(found), (*of_files, *_twice(file), *_lost(file, given)))


@dataclass(frozen=True)
class Listed:
    """One subset that the engine reads, no file of it opened.

    Attributes:
        place: of the dataset and the subset, counted from 0.
        options: its own, with those above it.
        extension: of its captions: as the file or the options beside it say, else as most of them have it.
    """

    place: tuple[int, int]
    options: Table
    folder: Folder
    extension: str


def names(path: Path, given: Table, where: str) -> tuple[DatasetFile, tuple[Listed, ...]]:
    """The file, and what it names. Raises ConfigError, as `survey`."""
    file = dataset_file.read(path, where)
    if wrong := _refused(file) or list(_missing(file)):
        raise ConfigError(
            f"{path.name}: {len(wrong)} mistakes, the first: {wrong[0].message}"
            if wrong[1:]
            else f"{path.name}: {wrong[0].message}",
            why="The engine would refuse the file, or ignore what it names and train on nothing.",
            hint=f"Mend {path}, which {where or 'dataset_config'} names.",
            findings=tuple(wrong),
        )
    ignored = frozenset(dataset_config.ignored(file.written))
    general = file.data.get("general", {})
    return file, tuple(
        _listed((number, inner), {**general, **_without_subsets(dataset), **subset}, given)
        for number, dataset in enumerate(file.data["datasets"])
        for inner, subset in enumerate(dataset["subsets"])
        if (number, inner) not in ignored
    )


def mistakes(file: DatasetFile) -> tuple[Finding, ...]:
    """All that is wrong with it, no image opened: a folder that is not here is a warning, it may be elsewhere."""
    if refused := _refused(file):
        return tuple(refused)
    return (*(replace(found, level=Level.WARNING) for found in _missing(file)), *_twice(file))


def _refused(file: DatasetFile) -> list[Finding]:
    return [_error(file, at, what) for at, what in dataset_config.problems(file.written)]


def _error(file: DatasetFile, at: str, what: str) -> Finding:
    where = file.where(at)
    return Finding(Level.ERROR, "dataset-config", f"{at}: {what}.", f"Mend it in {file.path}.", where)


def _missing(file: DatasetFile) -> Iterator[Finding]:
    ignored = frozenset(dataset_config.ignored(file.written))
    used = [
        (number, inner, subset)
        for number, dataset in enumerate(file.data["datasets"], 1)
        for inner, subset in enumerate(dataset["subsets"], 1)
        if (number - 1, inner - 1) not in ignored
    ]
    if all(subset.get("is_reg") for _, _, subset in used):
        every = "all subsets are for regularisation, so there is nothing to train on"
        yield _error(file, "[[datasets]]", every)
    for number, inner, subset in used:
        if wrong := _not_a_folder_of_images(Path(subset["image_dir"])):
            yield _error(file, of_subset(number, inner), wrong)


def _not_a_folder_of_images(folder: Path) -> str:
    """Why not, in words; empty where it is one."""
    try:
        if not folder.is_dir():
            return f"{folder} is {'a file, and no folder' if folder.exists() else 'not there'}"
        return (
            "" if any(folders.is_read(inner) for inner in folder.iterdir()) else f"no image lies in {folder}"
        )
    except OSError as error:
        if error.errno not in (ELOOP, ENAMETOOLONG):
            raise
        return f"{str(folder)[:80]}… can be no folder: {error.strerror}"


def _twice(file: DatasetFile) -> Iterator[Finding]:
    for number, inner in dataset_config.ignored(file.written):
        at = of_subset(number + 1, inner + 1)
        named = file.written["datasets"][number]["subsets"][inner]["image_dir"]
        yield Finding(
            Level.WARNING,
            "folder-twice",
            f"{at}: {named} is named by another subset of this dataset too, and the engine reads that one alone.",
            "Remove one of the two; num_repeats says how often a folder is shown.",
            file.where(at, "image_dir"),
        )


def _without_subsets(dataset: Table) -> Table:
    return {name: value for name, value in dataset.items() if name != "subsets"}


def _listed(place: tuple[int, int], options: Table, given: Table) -> Listed:
    path = Path(options["image_dir"])
    repeats = options.get("num_repeats", given.get("dataset_repeats") or 1)
    images = tuple(sorted(inner for inner in path.iterdir() if folders.is_read(inner)))
    folder = Folder(path, repeats, options.get("class_tokens", ""), images)
    extension = options.get("caption_extension") or given.get("caption_extension")
    extension = folders.dotted(extension) if extension else folders.caption_extension([folder])
    return Listed(place, options, folder, extension)


def _lost(file: DatasetFile, given: Table) -> Iterator[Finding]:
    name = file.path.name
    for option in dataset_config.lost(given, file.data):
        yield Finding(
            Level.WARNING,
            "dataset-config-wins",
            f"`{option}` beside dataset_config has no effect: {name} says something itself.",
            f"Remove `{option}`, or its lines in {name}.",
            name,
        )
