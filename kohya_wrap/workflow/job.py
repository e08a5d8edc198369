"""One config to one LoRA: provide what is missing, launch, watch, judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kohya_wrap import __version__
from kohya_wrap.config import user
from kohya_wrap.dataset.view.laid_out import Part
from kohya_wrap.domain import budget
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.events import Advice, RunEnded, RunStarted, Supervised
from kohya_wrap.engine import locate
from kohya_wrap.engine.locate import Engine
from kohya_wrap.engine.weights import Weights
from kohya_wrap.errors import EngineError, Interrupted, KohyaWrapError, Stopped, UsageError
from kohya_wrap.host import atomic, child
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Places
from kohya_wrap.training.end_now import Why
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.training.supervise import OnEvent
from kohya_wrap.workflow import (
    base_model,
    cached_with,
    cut_short,
    gauge,
    outputs,
    paused_already,
    prepare,
    probe,
    result,
    run_folder,
    said_first,
    taken_over,
    training_view,
)
from kohya_wrap.workflow.alone import alone, refuse_steps, refuse_trainers
from kohya_wrap.workflow.attempts import Attempts
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.probe import Probe
from kohya_wrap.workflow.provision import OnNews, provide
from kohya_wrap.workflow.result import Result
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.wishes import Wishes

_ALL = Wishes()  # to the end, at any cost


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


def execute(
    job: Job,
    means: Means,
    env: Mapping[str, str],
    stop: StopRequest,
    on_event: OnEvent,
    wishes: Wishes = _ALL,
    on_run: Callable[[Path], None] = lambda folder: None,
) -> Result:
    """Train, going on with an unfinished run of the same name; judge the outcome by what is on disk.

    Args:
        on_run: told the run's folder once it is there.

    Raises:
        TrainingFailed: with the engine's real cause. Interrupted, Stopped: what was saved is kept, and a run goes on.
        ConfigError: options that the unfinished run cannot take over.
        UsageError: the epoch to stop at is done, and nothing of it is there.
    """
    if wishes.probe and job.images.configured is not None:
        raise UsageError(
            "--probe does not look into a dataset_config.",
            why="It tries the images of the largest bucket alone, and each of its datasets has buckets of its own.",
            hint="Leave --probe out: an out-of-memory costs a restart from the last epoch.",
        )
    config = job.config.with_layer(Layer(Origin.HARDWARE, _real_paths(job, means), "where it lies here"))
    name, output = str(config.get("output_name")), Path(config.get("output_dir"))
    outputs.refuse_folders(job, output, wishes.until_epoch)
    with alone(job.project, name):
        unfinished = None if wishes.restart else run_folder.unfinished(job.project, name)
        refuse_steps(job.project, name)
        probed = probe.end_left_over(job.project, name)
        refuse_trainers(job.project, name, but=unfinished.path if unfinished else None)
        resumed = taken_over.refuse_or_say(unfinished, job, config) if unfinished else ()
        until = wishes.pause(job.plan.epochs)
        if unfinished and (lora := paused_already.checkpoint(until, unfinished, name, job.user.path)):
            paused_already.take(unfinished, on_event)
            on_run(unfinished.path)
            return result.of_paused_before(unfinished, lora, job, means.engine)
        earlier = None if unfinished or wishes.restart else run_folder.finished(job.project, name)
        lost = "" if unfinished or wishes.restart else run_folder.lost(job.project, name)
        run = unfinished or run_folder.new(job.project)
        _describe(run, job, means.engine, wishes)
        on_run(run.path)
        parts, place = _given(job, config, means.engine, run.path)
        with (
            training_view.standing(
                job.project, run.path, config, parts, place, in_use=run.is_at_work()
            ) as on_view,
            Journal(run.journal) as journal,
        ):
            advice = [
                *([said_first.LEFT_OVER] if probed else ()),
                *([said_first.trained_again(earlier)] if earlier else ()),
                *([Advice(lost, "lost")] if lost else ()),
                *(() if unfinished else said_first.begins_with(job.config)),
                *resumed,
                *said_first.on_other_images(on_view.changed),
                *said_first.replaced(job, name, outputs.standing(job, output, wishes.until_epoch)),
            ]
            done = _attempts(
                job, on_view.config, means.engine, run, journal, env, stop, on_event, wishes, advice
            )
        run_folder.discard_others(job.project, name, run)
        return replace(done, findings=(*on_view.findings, *done.findings))


def _attempts(
    job: Job,
    config: TrainingConfig,
    engine: Engine,
    run: RunFolder,
    journal: Journal,
    env: Mapping[str, str],
    stop: StopRequest,
    on_event: OnEvent,
    wishes: Wishes,
    advice: Sequence[Advice],
) -> Result:
    """The journal has the beginning and the end, whatever comes."""
    gpu, plan = job.machine.preset.name, job.plan
    until = wishes.pause(plan.epochs)
    setup = 0.0 if wishes.since is None else time.monotonic() - wishes.since
    spent = budget.spent(run.timed) + run.unwatched() + setup
    allowed = wishes.budget.seconds
    left = None if allowed is None else allowed - spent - wishes.spent
    stop_file = StopFile(run.path)
    stop_file.clear()  # what was asked of an earlier call is not asked of this one
    attempts = Attempts(job, config, engine, run, journal, env, stop, stop_file, on_event, until, left)
    if not run.events:
        attempts.tell(
            RunStarted(engine.kind, engine.commit, str(job.user.path), gpu, plan.steps, plan.epochs)
        )
    attempts.tell(Supervised(*child.this_one(), round(spent, 1)))
    for one in advice:
        attempts.tell(one)
    began = time.time()
    try:
        # A trainer that nobody has seen the end of is judged, or ended, by who watches it.
        if not run.ledger.is_unread and not attempts.holds_an_epoch(after=wishes.set_up):
            raise cut_short.too_dear(attempts.ledger, wishes.budget, spent + wishes.spent, job.user.path)
        why = None
        if wishes.probe and not (attempts.ledger.attempt or attempts.ledger.probed):
            why = Probe(job, config, engine, run, env, stop, stop_file).fit(attempts.tell, left)
        if why is None:
            end = attempts.to_the_end()
            why = end.why
        if why is Why.BUDGET:
            spent += wishes.spent + time.time() - began
            raise cut_short.too_dear(attempts.ledger, wishes.budget, spent, job.user.path)
        if why is Why.ASKED:
            raise cut_short.stopped(attempts.ledger, stop, job.user.path)
    except KohyaWrapError as error:
        how = "stopped" if isinstance(error, Interrupted | Stopped) else "failed"
        attempts.tell(RunEnded(how, error.message, attempts.ledger.checkpoints))
        error.data = error.data or result.so_far(attempts.ledger, run, engine, plan.epochs)
        raise
    except OSError as error:
        with suppress(OSError):  # it may be the disk that this would stand on
            said = f"{atomic.where(error) or 'the disk'}: {error.strerror or error}"
            attempts.tell(RunEnded("failed", said, attempts.ledger.checkpoints, unread=True))
        raise
    ledger = attempts.ledger
    paused = end.why is Why.REACHED
    for one in () if paused else gauge.keep(end.measured, Places.from_environment(env)):
        attempts.tell(one)
    attempts.tell(RunEnded("paused" if paused else "done", "", ledger.checkpoints))
    if not paused:
        run.discard_attempts()
    came_to = result.of_end(run, ledger, job, engine, end, seconds=time.time() - began, paused=paused)
    return replace(came_to, before=paused and run.ledger.has_reached(until))


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


def _describe(run: RunFolder, job: Job, engine: Engine, wishes: Wishes) -> None:
    facts = {
        "kohya_wrap": __version__,
        "engine": engine.kind,
        "engine_commit": engine.commit,
        "config": str(job.user.path),
        "output_name": job.config.get("output_name"),
        "output_dir": str(job.config.get("output_dir")),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "gpu": job.machine.preset.name,
        "planned_steps": job.plan.steps,
        "planned_epochs": job.plan.epochs,
        "images": job.images.train.images,
    }
    asked = {
        "price_per_hour": wishes.budget.price,
        "max_cost": wishes.budget.max_cost,
        "max_hours": wishes.budget.max_hours,
        "until_epoch": wishes.until_epoch,
    }
    run.describe(facts | {name: value for name, value in asked.items() if value is not None})
