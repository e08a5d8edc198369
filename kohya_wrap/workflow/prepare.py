"""Everything about a run that costs nothing to find out: read, resolve, check, count."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import check, presets, recipe_notes
from kohya_wrap.config.card_names import memory_named
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.user import UserConfig
from kohya_wrap.dataset import captions
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.engine.reference import Reference
from kohya_wrap.errors import ConfigError, DatasetError, MachineError, UsageError
from kohya_wrap.places import Places, Project
from kohya_wrap.rehearsal import faults, played
from kohya_wrap.workflow import base_model, effective, epochs, images, inputs, off_target, several_gpus
from kohya_wrap.workflow import machine as machines
from kohya_wrap.workflow.effective import Asked
from kohya_wrap.workflow.images import Images
from kohya_wrap.workflow.provision import Wanted, missing

# Values by which the base and the images are looked for: their types must be right before anything else.
_OTHER_IMAGES = ("dataset_config", "reg_data_dir")
_ASSUMED = base_model.Facts(FamilyName.SD15)  # for a rehearsal without a base


@dataclass(frozen=True)
class JobRequest:
    """What was asked of `run`; `engine` empty: as the config says. `words` are those of --set."""

    config: Path
    gpu: str = "auto"
    engine: str = ""
    engine_dir: Path | None = None
    reuse_torch: bool = False
    allow_pickle: bool = False
    words: tuple[str, ...] = ()
    processes: int = 1


@dataclass(frozen=True)
class Job:
    """A checked config with all that is known before anything is fetched or started.

    Attributes:
        gpus: UUIDs of the cards that it is trained on, a process each; none on a CPU.
    """

    project: Project
    asked: Asked
    engine_kind: str  # "real" or "rehearsal"
    machine: Machine
    family: Family
    images: Images
    config: TrainingConfig
    plan: StepPlan
    findings: tuple[Finding, ...]
    wanted: Wanted
    missing: tuple[str, ...]
    gpus: tuple[str, ...] = ()

    @property
    def processes(self) -> int:
        return max(1, len(self.gpus))

    @property
    def user(self) -> UserConfig:
        return self.asked.user


def prepare(request: JobRequest, places: Places, env: Mapping[str, str]) -> Job:
    """Read, resolve and check everything that costs nothing; nothing is fetched, nothing written.

    Raises:
        ConfigError: all findings attached. DatasetError. EngineError: no base model.
        MachineError: no GPU for work that needs one. UsageError: it cannot be rehearsed.
    """
    asked = effective.read(request.config, request.words, env)
    user = asked.user
    kind = request.engine or user.wrapper.engine
    known = presets.load(resources.presets())
    machine = _machine(request, user, kind, known, env)
    cards = machines.cards(machine, request.processes, env)
    effective.refuse_no_paths(asked, machine, known, effective.LOOKED_FOR)
    project = Project(user.path.parent.absolute())
    base = _base(asked, places, needed=kind == "real")
    facts = base_model.facts(base, project.models, places, allow_pickle=request.allow_pickle)
    if facts is None and kind == "real":
        # Before its weights are fetched.
        effective.refuse(effective.whatever_the_family(asked, machine, known))
    wanted = Wanted(base, project.models, request.engine_dir, request.reuse_torch, request.allow_pickle)
    if kind == "rehearsal":  # before images are looked at that it would not take
        _refuse_unknown_faults(env)
        _rehearsable(asked, {name: asked.values.get(name) for name in _OTHER_IMAGES})
    try:
        seen = images.of(asked, project)
    except DatasetError:
        # The config's own errors first: they are cheaper to mend.
        found = effective.settled(asked, facts or _ASSUMED, machine, known).findings
        effective.refuse((*found, *(_lacking(asked, wanted, places) if kind == "real" else ())))
        raise
    job = Job(
        project,
        asked,
        kind,
        machine,
        FAMILIES[_ASSUMED.family],
        seen,
        TrainingConfig({}),
        StepPlan(0, 0, 0, 0),
        (),
        wanted,
        missing(wanted, places) if kind == "real" else (),
        cards,
    )
    if (
        facts is not None or kind != "real"
    ):  # else its family stands in its header: checked when the file has come
        job = resolved(job, facts or _ASSUMED)
    if kind == "real":
        effective.refuse((*job.findings, *_lacking(asked, wanted, places)))
        return job
    options = job.config.plain()
    _rehearsable(asked, options)
    simpler = (Finding(Level.NOTE, "rehearsed-simpler", sentence) for sentence in played.stand_ins(options))
    return replace(job, findings=(*job.findings, *simpler))


def _refuse_unknown_faults(env: Mapping[str, str]) -> None:
    """Raises UsageError: the rehearsal would fail on it once it is started."""
    try:
        faults.orders(env)
    except ValueError as error:
        raise UsageError(
            f"{error}.",
            why="It says what shall go wrong in the rehearsal, and at which step of an attempt.",
            hint="KOHYA_WRAP_REHEARSAL_FAULT=oom@12 kohya-wrap run --engine rehearsal",
        ) from error


def _rehearsable(asked: Asked, options: Mapping[str, Any]) -> None:
    """Raises UsageError: the rehearsal does not play one of them."""
    names, lines = played.not_played(options), asked.user.lines
    if names:
        where = f"{lines[names[0]]}: " if names[0] in lines else ""
        raise UsageError(
            f"{where}the rehearsal does not play {', '.join(names)}; the real engine does.",
            why="It is a miniature, and these change what it would count; what they name was not looked into.",
            hint=f"kohya-wrap run {shlex.quote(str(asked.user.path))} --engine real   (or rehearse a copy without {names[0]})",
        )


def _lacking(asked: Asked, wanted: Wanted, places: Places) -> tuple[Finding, ...]:
    """What the config names, and is not here."""
    user, lines = asked.user, asked.user.lines
    said = settle([Layer(Origin.FILE, user.values, user.path.name, lines), *asked.by_hand])
    return inputs.refused(said, lines, wanted.base, wanted.models, places, reuse_torch=wanted.reuse_torch)


def _base(asked: Asked, places: Places, *, needed: bool) -> Reference | None:
    user = asked.user
    with _said_at(user.wrapper_lines.get("base", "")):
        base_model.named(user)  # a wrong one is said also where the path decides
    with _said_at(user.lines.get("pretrained_model_name_or_path", user.path.name)):
        return base_model.of(asked.values, user, places, needed=needed)


@contextmanager
def _said_at(where: str) -> Iterator[None]:
    """What cannot be meant stands in the file, not on the command line."""
    try:
        yield
    except UsageError as error:
        raise ConfigError(f"{where}: {error.message}", why=error.why, hint=error.hint) from None


def _machine(
    request: JobRequest, user: UserConfig, kind: str, known: presets.Presets, env: Mapping[str, str]
) -> Machine:
    wanted = request.gpu
    written = str(user.gpu.get("preset", ""))
    if wanted == "auto" and kind == "rehearsal":
        wanted = machines.of_rehearsal(known, written)
    chosen = machines.choose(known, wanted, env)
    if chosen is None and written == "cpu":  # made for a CPU; where there is a GPU, that one is taken
        chosen = machines.choose(known, "cpu", env)
    if kind == "real" and not machines.is_here(chosen):
        raise MachineError(
            "There is no NVIDIA GPU here."
            if chosen is None
            else f"This machine has no {f'card of {wanted}' if memory_named(wanted) else chosen.preset.name}.",
            why="The driver (NVML) reports none; on a CPU each step takes seconds to minutes.",
            hint="Run it on the rented machine, or try it out on this CPU: "
            f"kohya-wrap run {shlex.quote(str(request.config))} --gpu cpu",
        )
    assert chosen is not None
    return chosen


def resolved(job: Job, facts: base_model.Facts) -> Job:
    """Resolve the config for what the base is, solve the epochs, check all of it.

    Raises:
        ConfigError: with all findings. DatasetError: of pictures that these values do not fit.
    """
    found = effective.settled(
        job.asked,
        facts,
        job.machine,
        presets.load(resources.presets()),
        captions=captions.style_of(job.images.train),
        caption_extension=job.images.train.caption_extension,
    )
    of_values = job.images.values(found.config, found.family.script)
    effective.refuse((*found.findings, *of_values))
    other_rank = inputs.of_another_rank(found.config, job.user.lines)
    effective.refuse(tuple(replace(one, level=Level.ERROR) for one in other_rank))
    target = job.user.wrapper.target_steps or found.recipe.steps
    settled = several_gpus.warmed_up_alike(found.config, job.processes)
    cached = job.images.cacheable(settled)
    job.images.refuse_unfit(cached)
    config, plan, solved = epochs.chosen(cached, job.images, target, job.processes)
    config, plan, rounded = epochs.whole(config, plan)
    late = check.check_plan(config, plan, job.user.lines)
    lacks = captions.trigger_lacks(job.images.train, job.user.wrapper.trigger, job.project.root)
    findings = (
        *found.findings,
        *of_values,
        *base_model.denied(job.asked.values, job.user, facts),
        *recipe_notes.of_captions(config),
        *several_gpus.note(config, job.processes),
        *solved,
        *(off_target.of_plan(job.user, config, plan) if job.processes == 1 else ()),
        *rounded,
        *late,
        *(finding for found in job.images.inventories.values() for finding in found.findings),
        *lacks,
    )
    return replace(job, family=found.family, config=config, plan=plan, findings=findings)
