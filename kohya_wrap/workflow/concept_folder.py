"""The concept folder of a project: `training_data/10_mycat`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import building, folders, inventory
from kohya_wrap.dataset.building import Choices, record
from kohya_wrap.dataset.building.completed import complete
from kohya_wrap.domain.dataset import Inventory, Subset
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import MOST_PASSES
from kohya_wrap.errors import DatasetError, UsageError
from kohya_wrap.places import Project
from kohya_wrap.workflow import concept_build
from kohya_wrap.workflow.provision import News, OnNews

_LONGEST = 150  # bytes: file systems allow 255, and numbers, endings, marks of unfinished files come on top


@dataclass(frozen=True)
class Concept:
    """What was asked of the folder.

    Attributes:
        repeats: a number or "auto"; empty: as the folder says that is there, else 10.
        caption_extension: the config's; None where it says nothing.
        most: image passes that an epoch may have, for "auto".
    """

    name: str
    images: Path | None
    repeats: str
    trigger: str
    caption_extension: str | None = None
    most: int = MOST_PASSES


@dataclass(frozen=True)
class Found:
    """The folder, if it is there, and the folders of other concepts."""

    own: Path | None
    others: tuple[Path, ...]


@dataclass(frozen=True)
class LaidOut:
    """What stands now; `inventory` is of all folders, None where no file lies in one yet."""

    folder: Path
    images: int
    inventory: Inventory | None
    findings: tuple[Finding, ...]


def check(concept: str, repeats: str, option: str = "--concept") -> None:
    """Raises UsageError: words that cannot make a folder's name; `option` gave the first."""
    long = len(concept.encode(errors="surrogateescape")) > _LONGEST
    if not concept.strip() or re.search(r"[/\\\0]", concept) or concept.startswith(".") or long:
        shown = f"{concept[:20]!r} and so on" if long else repr(concept)
        raise UsageError(
            f"{option} {shown} cannot be a folder's name{f': over {_LONGEST} bytes' if long else ''}.",
            why="The folder is called N_concept, e.g. 10_mycat.",
            hint=f"{option} mycat",
        )
    if repeats != "auto" and not (repeats.isdecimal() and len(repeats) < 7 and int(repeats) > 0):
        raise UsageError(
            f"--repeats {repeats!r} is neither auto nor a number from 1 to 999999.",
            why="It says how often each image is seen in an epoch.",
            hint="--repeats 10",
        )


def numbered_name(concept: str) -> tuple[Finding, ...]:
    """`10_cat` becomes `10_10_cat`: hardly what was meant."""
    parsed = folders.repeats_and_tokens(concept)
    if not parsed or not parsed[1]:
        return ()
    return (
        Finding(
            Level.WARNING,
            "numbered-name",
            f"the concept is called {concept!r}: the number of its folder is put before that.",
            f"Not meant? --concept {shlex.quote(parsed[1])} --repeats {parsed[0]}",
        ),
    )


def class_of(reg: Path) -> str:
    """`1_cat`, `cat`, `cat.zip` -> cat."""
    name = reg.absolute().stem if reg.is_file() else reg.absolute().name
    parsed = folders.repeats_and_tokens(name)
    return parsed[1] if parsed and parsed[1] else name


def refuse_link(folder: Path | None, project: Project) -> None:
    """Raises DatasetError: the folder is a link to one outside the project, not ours to replace."""
    ours = (
        project.root.resolve(),
        project.training_data.resolve(),
        project.reg_data.resolve(),
    )  # on another disk
    if folder is not None and not any(map(folder.resolve().is_relative_to, ours)):
        raise DatasetError(
            f"{folder} is a link to a folder outside the project.",
            why="What is built takes the folder's place, and what it links to is yours.",
            hint=f"rm {shlex.quote(str(folder))}   and the same line again",
        )


def find(project: Project, concept: str) -> Found:
    """Look by name; a folder of another concept counts once something lies in it."""
    own = building.own_folder(concept_build.place(project, concept, None))
    others = (
        folder for folder, name in _folders(project).items() if name != concept and any(folder.iterdir())
    )
    return Found(own, tuple(others))


def only_one(project: Project) -> str:
    """The name of the project's concept; empty where there is none yet, or several."""
    names = set(_folders(project).values())
    return names.pop() if len(names) == 1 else ""


def _folders(project: Project) -> dict[Path, str]:
    parent = project.training_data
    return {
        folder: parsed[1]
        for folder in (sorted(parent.iterdir()) if parent.is_dir() else [])
        if folder.is_dir() and (parsed := folders.repeats_and_tokens(folder.name))
    }


def lay_out(project: Project, found: Found, concept: Concept, on_news: OnNews) -> LaidOut:
    """The folder, filled from the images asked for; what is there already is kept, and gets the trigger where it lacks.

    Raises:
        DatasetError: as dataset.building, dataset.inventory.
    """
    if concept.images is not None and not (found.own and any(found.own.iterdir())):
        return _built(project, found.own, concept, concept.images, on_news)
    number = "10" if concept.repeats in ("auto", "") else concept.repeats
    folder = found.own or project.training_data / f"{number}_{concept.name}"
    folder.mkdir(parents=True, exist_ok=True)
    there = seen(project, concept.caption_extension)
    written, elsewhere = _complete(project, _subset(there, folder), there, concept)
    there = seen(project, concept.caption_extension) if written else there
    images, total = _count(there, folder), there.images if there else 0
    said = f"{folder.name}, {_images(images)}" if images else "no images yet"
    said += f" ({total} in all folders)" if total > images else ""
    said += f", trigger written into {written}" if written else ""
    on_news(News("dataset", "kept" if found.own else "done", said))
    findings = (
        *elsewhere,
        *(_asked_otherwise(project, folder, concept) if found.own else ()),
        *numbered_name(concept.name),
    )
    return LaidOut(folder, images, there, findings)


def _built(project: Project, own: Path | None, concept: Concept, images: Path, on_news: OnNews) -> LaidOut:
    on_news(News("dataset", "working", f"reading {images}"))
    repeats = concept.repeats or (own.name.partition("_")[0] if own else "10")
    where = concept_build.place(
        project, concept.name, own, folders.dotted(concept.caption_extension or ".txt")
    )
    before = record.read(where.record)  # the folder was emptied, or is not there any more
    choices = replace(
        before.choices if before else Choices(), sources=(str(images.absolute()),), trigger=concept.trigger
    )
    built, findings = concept_build.build_concept(project, where, choices, repeats, most=concept.most)
    said = f"{built.folder.name}, {_images(built.images)}, {built.captions} captions"
    if built.triggers_written:
        said += f", trigger written into {built.triggers_written}"
    if built.saved:
        said += f", {built.saved} saved as PNG"
    there = seen(project, concept.caption_extension)
    if there and there.images > built.images:
        said += f" ({there.images} images in all folders)"
    on_news(News("dataset", "done", said))
    return LaidOut(
        built.folder, built.images, there, (*built.findings, *findings, *numbered_name(concept.name))
    )


def seen(project: Project, caption_extension: str | None = None) -> Inventory | None:
    """What the engine would read; None where no file lies in a concept folder yet."""
    if not any(path.is_file() for path in project.training_data.glob("*/*")):
        return None
    return inventory.take(project.training_data, caption_extension)


def another(folder: Path, others: tuple[Path, ...]) -> Finding:
    """A second concept: nothing wrong with it, if it is meant."""
    names = ", ".join(other.name for other in others)
    return Finding(
        Level.WARNING,
        "second-concept",
        f"{folder.name} is trained together with {names}: one LoRA learns all of them, and the target steps are for all "
        "together.",
        f"Not meant? rm -r {shlex.quote(str(folder))}   A LoRA of its own is a project of its own.",
        str(folder),
    )


def _complete(
    project: Project, subset: Subset | None, there: Inventory | None, concept: Concept
) -> tuple[int, tuple[Finding, ...]]:
    """How many captions got the trigger; none where the folder is a link to one outside the project, not ours to change."""
    trigger = concept.trigger
    if subset is None or there is None or not trigger:
        return 0, ()
    if subset.folder.resolve().is_relative_to(project.root.resolve()):
        built = concept_build.place(project, concept.name, subset.folder).record
        return complete(subset, there.caption_extension, trigger, built), ()
    outside = Finding(
        Level.WARNING,
        "captions-outside",
        f"{subset.folder.name} is a link to a folder outside the project: the trigger was written into no caption there.",
        f"Copy it into the project, or write {trigger!r} into its captions by hand.",
        str(subset.folder),
    )
    return 0, (outside,)


def _asked_otherwise(project: Project, folder: Path, concept: Concept) -> Iterator[Finding]:
    """What was asked for a folder that is there, and left as it is."""
    if concept.repeats not in ("", "auto", folder.name.partition("_")[0]):
        new = folder.with_name(f"{concept.repeats}_{concept.name}")
        yield Finding(
            Level.WARNING,
            "kept-repeats",
            f"--repeats {concept.repeats} does not rename {folder.name}.",
            f"mv {shlex.quote(str(folder))} {shlex.quote(str(new))}",
            str(folder),
        )
    # On the rented machine the same line names a folder that stayed at home.
    if concept.images is None or not concept.images.is_dir():
        return
    missing = building.not_taken(concept_build.place(project, concept.name, folder), concept.images)
    if missing:
        names = ", ".join(missing[:3]) + (", …" if missing[3:] else "")
        words = (concept.images, "--concept", concept.name, "--project", project.root)
        yield Finding(
            Level.WARNING,
            "kept-images",
            f"{len(missing)} of the pictures in {concept.images} are not in {folder.name} ({names}), which is kept.",
            f"kohya-wrap dataset build {shlex.join(map(str, words))}",
            str(folder),
        )


def _subset(there: Inventory | None, folder: Path) -> Subset | None:
    return next((subset for subset in (there.subsets if there else ()) if subset.folder == folder), None)


def _count(there: Inventory | None, folder: Path) -> int:
    subset = _subset(there, folder)
    return len(subset.images) if subset else 0


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
