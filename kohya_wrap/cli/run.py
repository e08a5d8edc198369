"""`kohya-wrap run`: train what a config says."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import in_order, options

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.job import Result
    from kohya_wrap.workflow.prepare import Job
    from kohya_wrap.workflow.wishes import Wishes


@click.command("run", cls=in_order.Command, short_help="Train the LoRA that a config describes.")
@options.config_file
@options.gpu("The card to train on.")
@click.option(
    "--engine", type=click.Choice(["real", "rehearsal"]), default=None, help="[default: as the config says]"
)
@click.option("--restart", is_flag=True, help="Begin anew, where an unfinished run would go on.")
@click.option(
    "--until-epoch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop when that epoch is done; the same command without it, or with a later one, goes on.",
)
@click.option(
    "--continue-from",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="LORA",
    help="Train on from a LoRA without a state: its weights, a fresh optimizer.",
)
@click.option(
    "--price", type=click.FloatRange(min=0), metavar="DOLLARS", help="What this machine costs an hour."
)
@click.option(
    "--max-cost", type=click.FloatRange(min=0), metavar="DOLLARS", help="Stop in time, the last state kept."
)
@click.option("--max-hours", type=click.FloatRange(min=0), metavar="HOURS", help="The same by the clock.")
@click.option("--count-setup", is_flag=True, help="What is fetched and installed first counts for both.")
@click.option(
    "--detach", is_flag=True, help="Give the shell back when the training is at work; it goes on by itself."
)
@in_order.afterwards
@options.set_values
@options.provisioning
@options.json_output
def command(
    config: Path,
    gpu: str,
    engine: str | None,
    restart: bool,
    until_epoch: int | None,
    continue_from: Path | None,
    price: float | None,
    max_cost: float | None,
    max_hours: float | None,
    count_setup: bool,
    detach: bool,
    afterwards: tuple[tuple[str, bool], ...],
    words: tuple[str, ...],
    as_json: bool,
    **provisioning: Any,
) -> None:
    """Train the LoRA that CONFIG describes, fetching first what is missing.

    The guide's own file runs unchanged: its spellings are mapped to the engine's, and each mapping is said.
    A run that was cut off goes on from its last whole epoch; one whose trainer still lives is watched again.

    \b
    kohya-wrap run my-lora/training_config.toml
    kohya-wrap run --set learning_rate=2e-4 --set output_name=stronger
    kohya-wrap run --detach                  then: kohya-wrap status, logs -f, stop
    kohya-wrap run --until-epoch 6           look at it, then go on with: kohya-wrap run
    kohya-wrap run --then upload:hf://me/my-lora --then terminate-instance
    kohya-wrap run --engine rehearsal        the same way in seconds, without a GPU: no training
    """
    began = time.monotonic()
    from kohya_wrap.cli.afterwards import every_end
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.afterwards import parse
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.prepare import JobRequest, prepare
    from kohya_wrap.workflow.wishes import Wishes, budget_of

    console, steps = Console(as_json=as_json), parse(afterwards)
    if detach:
        _detach(console, config)
        return
    if continue_from is not None:
        words = (*words, f"network_weights={continue_from.absolute()}")
    places = Places.from_environment(os.environ)
    job = prepare(JobRequest(config, gpu, engine or "", words=words, **provisioning), places, os.environ)
    within = budget_of(job.user.wrapper, price, max_cost, max_hours)
    wishes = Wishes(restart, until_epoch, within, began if count_setup else None)
    with every_end(console, steps, [job]) as outcome:
        job, result = train(console, job, places, wishes)
        outcome.data = as_data(result)
        say_result(console, result)
    if as_json:
        console.envelope("run", outcome.data, findings=(*job.findings, *result.findings))


def _detach(console: Console, config: Path) -> None:
    """The same words without --detach, in a process of its own. Leaves with its exit code where it ends at once."""
    from kohya_wrap.workflow import detached

    words = [word for word in sys.argv[1:] if word not in ("--detach", "--json")]
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("KOHYA_WRAP_RUN_DETACH", "KOHYA_WRAP_JSON")
    }
    code, run = detached.start(words, config, env, console.say)
    if code:
        sys.exit(code)
    console.say("It goes on by itself: kohya-wrap status, kohya-wrap logs -f, kohya-wrap stop")
    if console.as_json:
        console.envelope("run", {"run": str(run), "detached": True})


def train(console: Console, job: Job, places: Places, wishes: Wishes | None = None) -> tuple[Job, Result]:
    """Fetch what is missing, say what will be trained, then do it with live progress, until the end or a signal."""
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.cli.training_display import TrainingDisplay
    from kohya_wrap.host.child import signals_as_request
    from kohya_wrap.workflow.job import execute, provided
    from kohya_wrap.workflow.wishes import Wishes

    with SetupDisplay(console) if job.missing else nullcontext() as setup:
        job, means = provided(job, places, os.environ, setup.on_news if setup else lambda news: None)
    if means.weights and means.weights.licence and "weights" in job.missing:
        console.say(f"Licence of the base, which your LoRA inherits: {means.weights.licence}")
    console.findings(job.findings)
    say_plan(console, job)
    wishes = wishes or Wishes()
    with signals_as_request() as stop, TrainingDisplay(console, job.plan, wishes.budget.price) as display:
        return job, execute(job, means, os.environ, stop, display.on_event, wishes)


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
    console.say(f"\n{what} {result.steps} steps in {_span(result.seconds)}, loss {result.loss:.3g}")
    called = "so far" if result.paused else "LoRA"
    console.say(f"  {called:<13} {result.lora}  ({result.lora.stat().st_size / 1e6:.1f} MB)")
    earlier = [path for path in result.checkpoints if path != result.lora and path.exists()]
    if earlier:
        console.say(
            f"  to choose     {len(earlier)} earlier checkpoints beside it, {earlier[0].name} to {earlier[-1].name}"
        )
    console.say(f"  what happened {result.run_folder}")
    if result.paused:
        console.say(
            f"Epoch {result.epoch} of {result.epochs} is done. To go on: the same command without --until-epoch"
        )


def as_data(result: Result) -> dict[str, Any]:
    return {
        "engine": result.engine,
        "lora": str(result.lora),
        "checkpoints": [str(path) for path in result.checkpoints],
        "steps": result.steps,
        "epoch": result.epoch,
        "epochs": result.epochs,
        "paused": result.paused,
        "loss": result.loss,
        "seconds": round(result.seconds, 1),
        "run": str(result.run_folder),
    }


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
