"""One training as a person sees it: what is fetched, what will be trained, how far it is, what it gave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.errors import of_the_system
from kohya_wrap.errors import EngineError, MachineError, Stopped

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.host.child import StopRequest
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.notices import Notices
    from kohya_wrap.workflow.notify import Target
    from kohya_wrap.workflow.prepare import Job
    from kohya_wrap.workflow.result import Result
    from kohya_wrap.workflow.wishes import Wishes


@dataclass(frozen=True)
class Session:
    """What trainings of one command have in common.

    Attributes:
        told: who gets a notice of the end, and of what goes wrong before.
        env: with the GPU that is meant, where several train side by side.
        stop: what signals ask of it; None where each training hears them itself.
        asked: where a training that hears them itself leaves what they ask, for who begins the next.
    """

    places: Places
    told: Sequence[Target] = ()
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stop: StopRequest | None = None
    asked: StopRequest | None = None


@contextmanager
def preparing(console: Console, told: Sequence[Target], config: Path) -> Iterator[None]:
    """Whoever is away hears that it has ended before there was a run; what is refused is said to who typed it alone."""
    try:
        yield
    except (EngineError, MachineError, Stopped, KeyboardInterrupt) as error:
        if told:
            from kohya_wrap.workflow import notices

            notice = notices.of_preparation(config.absolute().parent.name, error)
            notices.send(told, notice, lambda found: console.findings([found]))
        raise


def train(
    console: Console,
    job: Job,
    session: Session,
    wishes: Wishes | None = None,
    on_run: Callable[[Path], None] = lambda folder: None,
) -> tuple[Job, Result]:
    """Fetch what is missing, say what will be trained, then do it with live progress, until the end or a signal.

    Args:
        on_run: told the run's folder once it is there.
    """
    from kohya_wrap.workflow.notices import Notices
    from kohya_wrap.workflow.wishes import Wishes

    wishes = wishes or Wishes()
    with Notices(session.told, job, wishes.budget, lambda found: console.findings([found])) as notices:
        return _train(console, job, session, wishes, on_run, notices)


def _train(
    console: Console,
    job: Job,
    session: Session,
    wishes: Wishes,
    on_run: Callable[[Path], None],
    notices: Notices,
) -> tuple[Job, Result]:
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.cli.training_display import TrainingDisplay
    from kohya_wrap.host.child import signals_as_request
    from kohya_wrap.workflow.job import execute, provided
    from kohya_wrap.workflow.result import so_far
    from kohya_wrap.workflow.run_folder import RunFolder
    from kohya_wrap.workflow.wishes import idle

    env = session.env
    with SetupDisplay(console) if job.missing else nullcontext() as setup:
        job, means = provided(job, session.places, env, setup.on_news if setup else lambda news: None)
    if means.weights and means.weights.licence and "weights" in job.missing:
        console.say(f"Licence of the base, which your LoRA inherits: {means.weights.licence}")
    console.findings((*job.findings, *idle(wishes, job.plan.epochs)))
    say_plan(console, job)
    heard = signals_as_request(session.asked) if session.stop is None else nullcontext(session.stop)
    begun: list[Path] = []

    def on_its_run(folder: Path) -> None:
        begun.append(folder)
        on_run(folder)

    with heard as stop, TrainingDisplay(console, job, wishes.budget.price) as display:
        on_event = notices.before(job, display.on_event)
        try:
            return job, execute(job, means, env, stop, on_event, wishes, on_its_run)
        except OSError as error:
            known = of_the_system(error)
            if known is None or not begun:
                raise
            run = RunFolder(begun[0])
            known.data = so_far(run.ledger, run, means.engine, job.plan.epochs)
            raise known from error


def say_plan(console: Console, job: Job) -> None:
    from kohya_wrap.cli.plan_in_words import plan_in_words

    config = job.config
    if job.engine_kind == "rehearsal":
        console.say(
            "This is a rehearsal: a miniature in NumPy stands in for the engine. What it trains is no LoRA for pictures."
        )
    batch = "batches by dataset" if job.images.configured else f"batch {config.get('train_batch_size')}"
    if config.get("gradient_accumulation_steps", 1) > 1:
        batch += f" x {config.get('gradient_accumulation_steps')} accumulated"
    captions = f"{job.images.train.captions} captions ({job.images.train.caption_extension})"
    console.say(f"{job.images.train.images} images, {captions}; {plan_in_words(job.plan)}, {batch}")
    console.say(
        f"{job.family.title}, {job.family.script}, {job.machine.preset.name}, {job.engine_kind} engine"
    )


def say_result(console: Console, result: Result) -> None:
    console.findings(result.findings)
    what = "Rehearsed" if result.engine == "rehearsal" else "Trained"
    if result.before:
        told = "Nothing to train: the epoch to stop at is done already."
    else:
        told = f"{what} {result.steps} steps in {_span(result.seconds)}, loss {result.loss:.3g}"
    console.say(f"\n{told}")
    called = "so far" if result.paused else "LoRA"
    if result.lora is None:
        console.say(f"  {called:<13} no file of this run lies in the output folder")
    else:
        console.say(f"  {called:<13} {result.lora}  ({_about(result.lora, result)})")
    earlier = [path for path in result.checkpoints if path != result.lora and path.exists()]
    if earlier:
        names = f"s beside it, {earlier[0].name} to {earlier[-1].name}"
        names = names if len(earlier) > 1 else f" beside it, {earlier[0].name}"
        console.say(f"  to choose     {len(earlier)} earlier checkpoint{names}")
    console.say(f"  what happened {result.run_folder}")
    if result.paused:
        console.say(
            f"Epoch {result.epoch} of {result.epochs} is done. To go on: the same command without --until-epoch"
        )


def as_data(result: Result) -> dict[str, Any]:
    return {
        "engine": result.engine,
        "lora": None if result.lora is None else str(result.lora),
        "checkpoints": [str(path) for path in result.checkpoints],
        "steps": result.steps,
        "epoch": result.epoch,
        "epochs": result.epochs,
        "paused": result.paused,
        "loss": result.loss,
        "seconds": round(result.seconds, 1),
        "run": str(result.run_folder),
    }


def _about(lora: Path, result: Result) -> str:
    """Of a run whose epochs are shorter than a look, the file may be of an earlier one than is done."""
    size = f"{lora.stat().st_size / 1e6:.1f} MB"
    earlier = result.lora_epoch is not None and result.lora_epoch < result.epoch
    return f"{size}, of epoch {result.lora_epoch}" if earlier else size


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
