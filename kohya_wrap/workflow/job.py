"""One config to one LoRA: provide what is missing, launch, watch, judge."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import toml

from kohya_wrap import __version__
from kohya_wrap.config import option_table, render, user
from kohya_wrap.dataset.view.laid_out import Part
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.events import Event, LossNotFinite, RunEnded, RunStarted
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine import locate
from kohya_wrap.engine.locate import Engine
from kohya_wrap.engine.weights import Weights
from kohya_wrap.errors import EngineError, Interrupted, KohyaWrapError, Stopped
from kohya_wrap.host import atomic
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Places, Project
from kohya_wrap.training import command, result
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.output import OutputReader
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.supervise import Attempt, supervise
from kohya_wrap.workflow import base_model, cached_with, outputs, prepare, training_view
from kohya_wrap.workflow.alone import alone
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.provision import OnNews, provide

OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Result:
    """What a finished run gave. `loss` is the engine's last average; `seconds` from launch to end."""

    lora: Path
    checkpoints: tuple[Path, ...]
    states: tuple[Path, ...]
    steps: int
    epochs: int
    loss: float | None
    seconds: float
    engine: str
    run_folder: Path
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Means:
    """What the training is done with: the engine, and the base's file where it needs one."""

    engine: Engine
    weights: Weights | None


def provided(job: Job, places: Places, env: Mapping[str, str], on_news: OnNews) -> tuple[Job, Means]:
    """Find or fetch engine and weights (the rehearsal needs neither); the job, resolved for what the base turned out to be.

    Raises:
        EngineError, MachineError: something could not be fetched; MachineError also, no folder or room for the outputs.
        ConfigError: a folder for them is a file, or the base is another than the catalogue said, and the config does not fit it.
    """
    outputs.require(job)
    if job.engine_kind == "rehearsal":
        return job, Means(locate.rehearsal(), None)
    found = provide(job.wanted, places, on_news)
    assert found.weights is not None
    job = prepare.resolved(job, base_model.of_weights(found.weights))
    vae = job.config.get("vae")
    if vae and not Path(vae).exists():
        raise EngineError(
            f"The VAE {vae} is not there.",
            why="The config names it, and it did not come with the base either.",
            hint="Mend `vae`, or remove the line: a base of the catalogue brings the VAE that it needs.",
        )
    return job, Means(found.engine, found.weights)


def execute(job: Job, means: Means, env: Mapping[str, str], stop: StopRequest, on_event: OnEvent) -> Result:
    """Train, and judge the outcome by what is on disk.

    Raises:
        TrainingFailed: with the engine's real cause. Interrupted, Stopped: a signal; what was saved is kept.
    """
    config = job.config.with_layer(Layer(Origin.HARDWARE, _real_paths(job, means), "where it lies here"))
    with alone(job.project, config.get("output_name")):
        folder = _run_folder(job.project)
        parts, place = _given(job, config, means.engine, folder)
        with training_view.standing(job.project, folder, config, parts, place) as on_view:
            given = on_view.config
            render.for_engine(
                folder / "engine_config.toml", given, option_table.for_script(job.family.script)
            )
            _write_run(folder, job, means.engine)
            with Journal(folder / "events.jsonl") as journal:
                done = _attempt(job, given, means.engine, folder, journal, env, stop, on_event)
        return replace(done, findings=(*on_view.findings, *done.findings))


def _given(
    job: Job, config: TrainingConfig, engine: Engine, folder: Path
) -> tuple[Sequence[Part], training_view.Place]:
    """What the view is made of, and how the config says where it lies."""
    if job.images.configured is None:
        return training_view.of_folders(
            job.images.inventories, config, cached_with.of(config, job.family, engine)
        )
    configured = job.images.configured
    parts = configured.parts(config, lambda own: cached_with.of(own, job.family, engine))
    return parts, lambda root: configured.place(root, folder / "dataset_config.json")


def _attempt(
    job: Job,
    config: TrainingConfig,
    engine: Engine,
    folder: Path,
    journal: Journal,
    env: Mapping[str, str],
    stop: StopRequest,
    on_event: OnEvent,
) -> Result:
    """Start, watch, judge; the journal has the beginning and the end, whatever comes."""
    gpu, plan = job.machine.preset.name, job.plan
    journal.write(RunStarted(engine.kind, engine.commit, str(job.user.path), gpu, plan.steps, plan.epochs))
    began, seen = time.time(), Seen()
    lora = Path(config.get("output_dir")) / f"{config.get('output_name')}.{config.get('save_model_as')}"
    before = result.stamp(lora)
    try:
        seen, code = _train(config, _command(job, engine, folder, env), journal, stop, on_event)
        if stop and code != 0 and seen.not_finite_at is None:
            raise _stopped(seen, stop, job.user.path)
        resumed = bool(config.get("resume"))
        result.judge(lora, seen, code, before=before, resumed=resumed, log=folder / "engine.log")
    except KohyaWrapError as error:
        how = "stopped" if isinstance(error, Interrupted | Stopped) else "failed"
        journal.write(RunEnded(how, error.message, seen.checkpoints))
        raise
    journal.write(RunEnded("done", "", seen.checkpoints))
    return Result(
        lora,
        tuple(map(Path, seen.checkpoints)),
        tuple(map(Path, seen.states)),
        seen.steps,
        plan.epochs,
        seen.loss,
        time.time() - began,
        engine.kind,
        folder,
        _differences(job, seen),
    )


def _run_folder(project: Project) -> Path:
    """.kohya-wrap/runs/<local time>, made by this run alone."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = project.runs / (stamp + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("a thousand runs within a second")


def _real_paths(job: Job, means: Means) -> dict[str, Any]:
    """No symlinks: some of the engine's scripts break on relative ones (engine contract, section 6)."""
    paths = {name: _real(job.config.get(name)) for name in user.PATHS if job.config.get(name)}
    if means.weights is not None:
        paths["pretrained_model_name_or_path"] = str(means.weights.path)
        if means.weights.vae is not None and not job.user.values.get("vae"):
            paths["vae"] = str(means.weights.vae)
    if means.engine.tokenizers is not None:
        paths["tokenizer_cache_dir"] = str(means.engine.tokenizers)
    return paths


def _real(value: str | list[str]) -> str | list[str]:
    """Links resolved, but for one whose target has another ending (in a Hub cache): the engine goes by the ending."""
    if isinstance(value, list):
        return [str(_real(item)) for item in value]
    path, target = Path(value), Path(value).resolve()
    return str(target if target.suffix == path.suffix else path)


def _command(job: Job, engine: Engine, folder: Path, env: Mapping[str, str]) -> Attempt:
    cores, gpu = job.machine.cpu.cores, job.machine.gpu
    threads = (
        cores if gpu is None else min(cores, 4)
    )  # the guide's figure: beside a GPU more only get in its way
    launcher_config = folder / "accelerate.json"
    launcher_config.write_text(command.LAUNCHER_CONFIG, encoding="utf-8")
    argv = command.argv(
        engine.launch,
        engine.source,
        job.family.script,
        folder / "engine_config.toml",
        launcher_config,
        cpu=gpu is None,
        threads=threads,
    )
    online = bool(job.config.get("huggingface_repo_id"))
    variables = command.environment(env, threads=threads, gpu=gpu.uuid if gpu else "", online=online)
    variables |= render.secrets(job.config)
    return Attempt(argv, variables, engine.source, folder / "engine.log")


def _write_run(folder: Path, job: Job, engine: Engine) -> None:
    """run.toml: what this run is, for whoever finds the folder later."""
    facts = {
        "kohya_wrap": __version__,
        "engine": engine.kind,
        "engine_commit": engine.commit,
        "config": str(job.user.path),
        "output_name": job.config.get("output_name"),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "gpu": job.machine.preset.name,
        "planned_steps": job.plan.steps,
        "planned_epochs": job.plan.epochs,
        "images": job.images.train.images,
    }
    atomic.write_text(folder / "run.toml", toml.dumps(facts))


def _train(
    config: TrainingConfig, attempt: Attempt, journal: Journal, stop: StopRequest, on_event: OnEvent
) -> tuple[Seen, int]:
    events: list[Event] = []

    def told(event: Event) -> None:
        journal.write(event)
        events.append(event)
        on_event(event)
        if isinstance(event, LossNotFinite) and not stop:
            stop.number = signal.SIGTERM  # the engine would train on for hours, save NaN and exit 0

    reader = OutputReader(Path(config.get("output_dir")), config.get("output_name"))
    code = supervise(attempt, reader, stop, told)
    return Seen.of(events), code


def _stopped(seen: Seen, stop: StopRequest, config: Path) -> KohyaWrapError:
    # The engine names a file before it writes it: the last one may be cut short.
    saved = [
        path for path in map(Path, seen.checkpoints) if path.exists() and not result.weights_problem(path)
    ]
    kept = "nothing was saved yet"
    again = "from the start"
    if saved:
        kept = f"kept: {', '.join(path.name for path in saved[-3:])} in {saved[-1].parent}"
        again += "; another output_name keeps these files"
    by = Interrupted if stop.number == signal.SIGINT else Stopped
    return by(
        f"Stopped after step {seen.steps} of {seen.total or '?'}; {kept}.",
        why="Ctrl-C." if by is Interrupted else "SIGTERM: somebody, or the machine going away, asked for it.",
        hint=f"kohya-wrap run {shlex.quote(str(config))}   ({again})",
    )


def _differences(job: Job, seen: Seen) -> tuple[Finding, ...]:
    """Where the engine counted other steps than the plan did: our arithmetic or its data is not what we think."""
    if seen.total in (None, job.plan.steps):
        return ()
    return (
        Finding(
            Level.WARNING,
            "steps-differ",
            f"the engine made it {seen.total} steps; the plan said {job.plan.steps}.",
        ),
    )
