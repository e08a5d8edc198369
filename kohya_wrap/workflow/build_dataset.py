"""`dataset build`: what was asked, what was asked the last time, and what the project says, made into one build."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import Built, Choices, Place
from kohya_wrap.dataset.building import record as records
from kohya_wrap.dataset.building.picture import KEEP
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.shrink import SMALLEST
from kohya_wrap.domain.steps import MOST_PASSES
from kohya_wrap.errors import DatasetError, UsageError
from kohya_wrap.host import image_pixels
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import (
    built_unread,
    concept_build,
    concept_folder,
    epoch_length,
    held_elsewhere,
    kept_config,
    trigger_words,
)
from kohya_wrap.workflow.kept_config import KeptConfig
from kohya_wrap.workflow.provision import News, OnNews

_QUIET = 2.0  # seconds: what is done by then needs no progress


@dataclass(frozen=True)
class BuildRequest:
    """What was asked; None, and no source: as the last time this concept was built.

    Attributes:
        reg: a folder or zip of regularisation images, of the class `reg_class`.
    """

    project: Path
    sources: tuple[Path, ...]
    concept: str
    repeats: str | None = None
    trigger: str | None = None
    move_trigger_first: bool | None = None
    background: str | None = None
    resize: int | None = None
    holdout: int | None = None
    reg: Path | None = None
    reg_class: str = ""
    skip_broken: bool = False


@dataclass(frozen=True)
class Done:
    """`again`: choices taken over from the last build, or from the config, in words; `again_from`: from which."""

    concept: Built | None
    regularisation: Built | None
    choices: Choices | None
    again: tuple[str, ...]
    again_from: str
    config_is_there: bool
    findings: tuple[Finding, ...]


def run(request: BuildRequest, places: Places, on_news: OnNews) -> Done:
    """Build the concept, the regularisation images, or both.

    Raises:
        DatasetError: as dataset.building. UsageError: nothing to build from. ConfigError: a config that cannot be read.
    """
    project = Project(request.project.absolute())
    kept = kept_config.read(project.config)
    _check(request)
    if request.trigger is not None:
        request = replace(request, trigger=trigger_words.checked("--trigger", request.trigger))
    _require_folders(project)
    concept = regularisation = choices = None
    again: tuple[str, ...] = ()
    again_from = "the last time"
    findings: list[Finding] = []
    if request.concept:
        where = concept_build.place(project, request.concept, None, _extension(kept))
        before = records.read(where.record)
        if not (before and before.choices.sources):
            again_from = "the config says"
        choices, again = _choices(request, before.choices if before else None, kept, project)
        repeats = _repeats(request, before.choices if before else None, project)
        most = epoch_length.of_config(kept, project, places)
        concept, said = _build(project, where, choices, repeats, most, request.skip_broken, on_news)
        findings += (*concept.findings, *said, *_trigger_differs(request, kept, project))
        findings += concept_folder.numbered_name(request.concept)
        if kept:
            typed_config = request.project / project.config.name
            findings += built_unread.findings(kept, project, concept.folder, typed_config)
    if request.reg is not None:
        regularisation, said = _regularise(project, request, request.reg, kept, on_news)
        findings += (*regularisation.findings, *said)
    findings += held_elsewhere.findings(project)
    return Done(concept, regularisation, choices, again, again_from, kept is not None, tuple(findings))


def _require_folders(project: Project) -> None:
    """Raises DatasetError: a file stands where a folder will be made."""
    ours = (project.training_data, project.reg_data, project.held_out, project.built.parent, project.built)
    for folder in (project.root, *ours):
        if folder.exists() and not folder.is_dir():
            raise DatasetError(
                f"{folder} is a file, where a folder must be.",
                why="The concept folders, or what is known of them, are made in it.",
                hint=f"mv {typed(folder)} {typed(f'{folder}.old')}",
            )


def _check(request: BuildRequest) -> None:
    if request.background not in (None, KEEP) and not image_pixels.is_colour(request.background):
        raise UsageError(
            f"--background {request.background!r} is no colour.",
            why="It is laid under transparent places: a name as in HTML, or #rrggbb; or keep, to leave them.",
            hint="--background white",
        )
    if request.resize and request.resize < SMALLEST:
        raise UsageError(
            f"--resize {request.resize} is too small.",
            why=f"The engine trains at {SMALLEST} pixels or more; 512 is usual for SD 1.5, 1024 for SDXL.",
            hint="--resize 1024",
        )
    if request.reg_class and request.reg is None:
        raise UsageError(
            "--reg-class names the class of regularisation images, and there are none.",
            why="They come with --reg.",
            hint=f"--reg FOLDER --reg-class {shlex.quote(request.reg_class)}",
        )
    if request.concept:
        concept_folder.check(request.concept, request.repeats or "auto")
    elif request.sources or request.reg is None:
        raise UsageError(
            "--concept is missing.",
            why="It names the folder, 10_NAME, and what the pictures have in common.",
            hint="kohya-wrap dataset build PHOTOS --concept mycat",
        )


def _choices(
    request: BuildRequest, before: Choices | None, kept: KeptConfig | None, project: Project
) -> tuple[Choices, tuple[str, ...]]:
    """As asked, else as the last time, else as the config says, else the defaults; and what was taken over."""
    built = before if before and before.sources else None  # `init` notes the trigger alone
    base = built or Choices(trigger=_config_s_trigger(request.concept, kept, project))
    asked: dict[str, Any] = {
        name: value
        for name in ("trigger", "move_trigger_first", "background", "resize", "holdout")
        if (value := getattr(request, name)) is not None
    }
    if request.sources:
        asked["sources"] = tuple(str(path.absolute()) for path in request.sources)
    choices = replace(base, **asked)
    if not choices.sources:
        raise UsageError(
            f"Nothing to build {request.concept} from.",
            why="It was not built here before, so there is no folder to look into again.",
            hint=f"kohya-wrap dataset build PHOTOS --concept {shlex.quote(request.concept)}",
        )
    defaults = Choices()
    taken = {
        name: getattr(base, name)
        for name in ("sources", "trigger", "move_trigger_first", "background", "resize", "holdout")
        if name not in asked and getattr(base, name) != getattr(defaults, name)
    }
    return choices, tuple(_in_words(name, value) for name, value in taken.items())


def _in_words(name: str, value: Any) -> str:
    option = f"--{name.replace('_', '-')}"
    if name == "sources":
        return " ".join(shlex.quote(source) for source in value)
    return option if value is True else f"{option} {shlex.quote(str(value))}"


def _config_s_trigger(concept: str, kept: KeptConfig | None, project: Project) -> str:
    return kept.wrapper.trigger if kept and _is_config_s(concept, kept, project) else ""


def _is_config_s(concept: str, kept: KeptConfig, project: Project) -> bool:
    """Whether the config, which knows one trigger, was made for this concept."""
    others = concept_folder.find(project, concept).others
    return not others or kept.user.values.get("output_name") == concept


def _extension(kept: KeptConfig | None) -> str:
    said = kept.user.values.get("caption_extension") if kept else None
    return f".{said.lstrip('.')}" if isinstance(said, str) and said else ".txt"


def _repeats(request: BuildRequest, before: Choices | None, project: Project) -> str:
    """As asked; else `auto` again, or as the folder is called that is there."""
    if request.repeats is not None:
        return request.repeats
    own = concept_folder.find(project, request.concept).own
    number = own.name.partition("_")[0] if own else "10"
    if before and before.auto_repeats and (own is None or number == str(before.number)):
        return "auto"
    return number


def _build(
    project: Project,
    where: Place,
    choices: Choices,
    repeats: str,
    most: int,
    skip_broken: bool,
    on_news: OnNews,
) -> tuple[Built, tuple[Finding, ...]]:
    own = building.own_folder(where)
    concept_folder.refuse_link(own, project)

    began = time.monotonic()

    def on_progress(done: int, total: int) -> None:
        if time.monotonic() - began > _QUIET:
            on_news(News("dataset", "working", f"{done} of {total} pictures"))

    try:
        return concept_build.build_concept(
            project,
            replace(where, folder=own),
            choices,
            repeats,
            most=most,
            skip_broken=skip_broken,
            on_progress=on_progress,
        )
    except DatasetError as error:
        if error.findings and not skip_broken:
            error.hint += "   To leave out what cannot be used: the same line with --skip-broken"
        raise


def _regularise(
    project: Project, request: BuildRequest, reg: Path, kept: KeptConfig | None, on_news: OnNews
) -> tuple[Built, tuple[Finding, ...]]:
    """As they are: without trigger, and once each, since the engine repeats them as it needs."""
    name = request.reg_class or concept_folder.class_of(reg)
    concept_folder.check(name, "auto", "--reg-class")
    where = concept_build.regularisation(project, name, None, _extension(kept))
    choices = Choices(
        sources=(str(reg.absolute()),), background=request.background or "white", resize=request.resize or 0
    )
    built, _ = _build(project, where, choices, "1", MOST_PASSES, request.skip_broken, on_news)
    if kept and kept.user.values.get("reg_data_dir"):
        return built, ()
    file = f" --file {shlex.quote(str(request.project / project.config.name))}"
    hint = f"kohya-wrap config set reg_data_dir={project.reg_data.name}{file}"
    said = Finding(
        Level.NOTE,
        "reg-data-dir",
        "the config does not name the regularisation images yet, so they are not trained with.",
        hint if kept else f"kohya-wrap init makes the config; then: {hint}",
    )
    return built, (said,)


def _trigger_differs(request: BuildRequest, kept: KeptConfig | None, project: Project) -> Iterator[Finding]:
    says = _config_s_trigger(request.concept, kept, project)
    if kept and request.trigger is not None and says and says != request.trigger:
        file = shlex.quote(str(request.project / project.config.name))
        word = shlex.quote(f"kohya_wrap.trigger={request.trigger}")
        yield Finding(
            Level.WARNING,
            "trigger-differs",
            f"the config says another trigger, {says!r}: samples will be drawn with that.",
            f"kohya-wrap config set {word} --file {file}",
            kept.source.where("kohya_wrap", "trigger"),
        )
