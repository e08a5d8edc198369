"""Everything about a run that costs nothing to find out: read, resolve, check, count."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import check, option_table, presets, resolve
from kohya_wrap.config.presets import RecipeForFamily
from kohya_wrap.config.resolve import Machine, UserConfig
from kohya_wrap.dataset import inventory
from kohya_wrap.domain import buckets, steps
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.errors import ConfigError, MachineError
from kohya_wrap.host import toml_file
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import base_model
from kohya_wrap.workflow import machine as machines
from kohya_wrap.workflow.provision import Wanted, missing


@dataclass(frozen=True)
class JobRequest:
    """What was asked of `run`; `engine` empty: as the config says."""

    config: Path
    gpu: str = "auto"
    engine: str = ""
    engine_dir: Path | None = None
    reuse_torch: bool = False
    allow_pickle: bool = False


@dataclass(frozen=True)
class Job:
    """A checked config with all that is known before anything is fetched or started."""

    project: Project
    user: UserConfig
    engine_kind: str  # "real" or "rehearsal"
    machine: Machine
    family: Family
    inventory: Inventory
    config: TrainingConfig
    plan: StepPlan
    findings: tuple[Finding, ...]
    wanted: Wanted
    missing: tuple[str, ...]


def prepare(request: JobRequest, places: Places, env: Mapping[str, str]) -> Job:
    """Read, resolve and check everything that costs nothing; nothing is fetched, nothing written.

    Raises:
        ConfigError: all findings attached. DatasetError. EngineError: no base model.
        MachineError: no GPU for work that needs one.
    """
    user = resolve.read_user(toml_file.read(request.config))
    kind = request.engine or user.wrapper.engine
    known = presets.load(resources.presets())
    machine = _machine(request, user, kind, known, env)
    project = Project(user.path.parent.absolute())
    asked = {**user.values, **resolve.from_environment(env, user.path.parent)}
    base = base_model.of(asked, user, places, needed=kind == "real")
    seen = inventory.take(
        Path(asked.get("train_data_dir") or project.training_data), asked.get("caption_extension")
    )
    wanted = Wanted(base, project.models, request.engine_dir, request.reuse_torch, request.allow_pickle)
    job = Job(
        project,
        user,
        kind,
        machine,
        FAMILIES[FamilyName.SD15],
        seen,
        TrainingConfig({}),
        StepPlan(0, 0, 0, 0),
        (),
        wanted,
        missing(wanted, places) if kind == "real" else (),
    )
    facts = base_model.facts(base, project.models, places, allow_pickle=request.allow_pickle)
    if facts is None and kind == "real":
        return job  # its family stands in its header: checked when the file has come
    return resolved(job, facts or base_model.Facts(FamilyName.SD15), env)


def _machine(
    request: JobRequest, user: UserConfig, kind: str, known: presets.Presets, env: Mapping[str, str]
) -> Machine:
    wanted = request.gpu
    written = str(user.gpu.get("preset", ""))
    if wanted == "auto" and kind == "rehearsal":
        wanted = written or "cpu"
    chosen = machines.choose(known, wanted, env)
    if chosen is None and written == "cpu":  # made for a CPU; where there is a GPU, that one is taken
        chosen = machines.choose(known, "cpu", env)
    if kind == "real" and not machines.is_here(chosen):
        raise MachineError(
            "There is no NVIDIA GPU here."
            if chosen is None
            else f"This machine has no {chosen.preset.name}.",
            why="The driver (NVML) reports none; on a CPU each step takes seconds to minutes.",
            hint="Run it on the rented machine, or try it out on this CPU: "
            f"kohya-wrap run {shlex.quote(str(request.config))} --gpu cpu",
        )
    assert chosen is not None
    return chosen


def resolved(job: Job, facts: base_model.Facts, env: Mapping[str, str]) -> Job:
    """Resolve the config for what the base is, solve the epochs, check all of it.

    Raises:
        ConfigError: with all findings.
    """
    family, recipe = FAMILIES[facts.family], presets.load(resources.presets()).recipe.for_family(facts.family)
    config, said = resolve.resolve(
        job.user,
        family=family,
        v_prediction=facts.v_prediction,
        zero_terminal_snr=facts.zero_terminal_snr,
        recipe=recipe,
        machine=job.machine,
        caption_extension=job.inventory.caption_extension,
        environment=env,
    )
    table = option_table.for_script(family.script)
    found = (*job.user.findings, *said, *check.check(config, table, family.script, job.user.lines))
    _refuse(found)
    config, plan, solved = _with_epochs(config, job, recipe)
    found = (*found, *solved, *check.check_plan(config, plan, job.user.lines), *job.inventory.findings)
    return replace(job, family=family, config=config, plan=plan, findings=found)


def _refuse(findings: tuple[Finding, ...]) -> None:
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more, above)" if len(errors) > 1 else ""
        raise ConfigError(
            f"{first.where}: {first.message}{more}" if first.where else first.message + more,
            why="The engine would ignore it or fail on it late, so nothing was started.",
            hint=first.hint,
            findings=findings,
        )


def _with_epochs(
    config: TrainingConfig, job: Job, recipe: RecipeForFamily
) -> tuple[TrainingConfig, StepPlan, tuple[Finding, ...]]:
    """Epochs as asked for, else those that come nearest to the steps aimed at; and how often to save."""
    passes = buckets.fill(_bucket_rule(config), job.inventory.sized()).values()
    batch, accumulation = config.get("train_batch_size", 1), config.get("gradient_accumulation_steps", 1)
    epochs, max_steps = config.get("max_train_epochs"), None
    said: tuple[Finding, ...] = ()
    if epochs is None and config.origin("max_train_steps") is not None:
        max_steps = config.get("max_train_steps")
    elif epochs is None:
        target = job.user.wrapper.target_steps or recipe.steps
        epochs = steps.epochs_for(
            target, steps.plan(passes, batch=batch, accumulation=accumulation, epochs=1).steps_per_epoch
        )
        config = config.with_layer(
            Layer(Origin.WRAPPER, {"max_train_epochs": epochs}, "solved from target_steps")
        )
        said = (Finding(Level.NOTE, "epochs-solved", f"{epochs} epochs come nearest to {target} steps."),)
    plan = steps.plan(passes, batch=batch, accumulation=accumulation, epochs=epochs, max_steps=max_steps)
    if not any(
        config.get(name) for name in ("save_every_n_epochs", "save_every_n_steps", "save_n_epoch_ratio")
    ):
        config = config.with_layer(
            Layer(Origin.WRAPPER, {"save_every_n_epochs": steps.save_every(plan.epochs)})
        )
    return config, plan, said


def _bucket_rule(config: TrainingConfig) -> buckets.BucketRule:
    return buckets.BucketRule(
        buckets.parse_resolution(config.get("resolution")),
        enabled=config.get("enable_bucket", False),
        minimum=config.get("min_bucket_reso", 256),
        maximum=config.get("max_bucket_reso", 1024),
        steps=config.get("bucket_reso_steps", 64),
        no_upscale=config.get("bucket_no_upscale", False),
    )
