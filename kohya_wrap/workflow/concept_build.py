"""One concept of a project, built from pictures: where it lies, how it weighs beside the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import building, folders
from kohya_wrap.dataset.building import Built, Choices, Place, transaction
from kohya_wrap.dataset.building import record as records
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import MOST_PASSES, balanced_repeats
from kohya_wrap.host import lock
from kohya_wrap.places import Project

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Beside:
    """Another concept; `record` None where its repeats are a person's choice."""

    folder: Folder
    record: Path | None


def place(project: Project, concept: str, own: Path | None, extension: str = ".txt") -> Place:
    return Place(
        concept,
        project.training_data,
        own,
        project.held_out / concept,
        project.built / f"{concept}.json",
        extension,
        project.apart,
        _made(project),
    )


def regularisation(project: Project, name: str, own: Path | None, extension: str = ".txt") -> Place:
    return Place(
        name,
        project.reg_data,
        own,
        project.reg_data / ".held_out",  # none of them is ever set aside
        project.built / "reg" / f"{name}.json",
        extension,
        project.apart,
        _made(project),
    )


def _made(project: Project) -> tuple[Path, ...]:
    numbered = (
        folder
        for parent in (project.training_data, project.reg_data)
        for folder in (parent.iterdir() if parent.is_dir() else ())
        if folder.is_dir() and not folder.is_symlink() and folders.repeats_and_tokens(folder.name)
    )
    return project.held_out, *numbered


def build_concept(
    project: Project,
    where: Place,
    choices: Choices,
    repeats: str,
    *,
    most: int = MOST_PASSES,
    skip_broken: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> tuple[Built, tuple[Finding, ...]]:
    """Build it, its folder numbered as asked; `auto` also renumbers what else was built so.

    Args:
        most: image passes that an epoch may have, for `auto`.

    Raises:
        DatasetError: as dataset.building.
    """
    choices = replace(choices, auto_repeats=repeats == "auto")
    beside = _beside(project, where) if choices.auto_repeats else []

    def number(count: int) -> int:
        return _numbers(count, beside, most)[0] if choices.auto_repeats else int(repeats)

    built = building.build(where, choices, number, skip_broken=skip_broken, on_progress=on_progress)
    if not choices.auto_repeats:
        return built, ()
    autos = [other for other in beside if other.record]
    said = tuple(
        _renumbered(other, wanted)
        for other, wanted in zip(autos, _numbers(built.images, beside, most)[1:], strict=True)
        if wanted != other.folder.repeats
    )
    return built, (*said, *_uneven(project, most))


def _beside(project: Project, where: Place) -> list[_Beside]:
    if not project.training_data.is_dir():
        return []
    return [
        _Beside(folder, _record_if_auto(project, folder))
        for folder in folders.numbered(project.training_data)
        if folder.images and folder.class_tokens != where.concept
    ]


def _record_if_auto(project: Project, folder: Folder) -> Path | None:
    """A folder that somebody renamed has another number than was recorded: that is theirs."""
    path = project.built / f"{folder.class_tokens}.json"
    found = records.read(path)
    auto = found and found.choices.auto_repeats and found.choices.number == folder.repeats
    return path if auto else None


def _numbers(count: int, beside: list[_Beside], most: int) -> tuple[int, ...]:
    """Of the concept that is built, then of those others that go along."""
    fixed = [len(other.folder.images) * other.folder.repeats for other in beside if not other.record]
    return balanced_repeats(
        [count, *(len(other.folder.images) for other in beside if other.record)], fixed, most
    )


def _renumbered(other: _Beside, number: int) -> Finding:
    old, record = other.folder.path, other.record
    assert record is not None
    new = old.with_name(f"{number}_{other.folder.class_tokens}")
    with lock.hold(record), lock.hold(old):
        found = records.read(record)
        if found is not None and old.is_dir():
            data = records.as_data(records.renumbered(found, number))
            transaction.commit(record, [transaction.move(old, old, new)], data)
    return Finding(
        Level.NOTE,
        "renumbered",
        f"{old.name} is called {new.name} now, so that the concepts weigh equally.",
    )


def _uneven(project: Project, most: int) -> tuple[Finding, ...]:
    """What `auto` could not reach."""
    passes = [len(folder.images) * folder.repeats for folder in folders.numbered(project.training_data)]
    if sum(passes) <= most:
        return ()
    return (
        Finding(
            Level.NOTE,
            "long-epoch",
            f"an epoch has {sum(passes)} image passes, more than the {most} that `auto` aims at: with so many pictures, "
            "or beside folders numbered by hand, fewer would not weigh equally.",
        ),
    )
