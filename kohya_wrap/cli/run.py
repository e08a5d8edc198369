"""`kohya-wrap run`: train what a config says."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import in_order, options
from kohya_wrap.cli.looking_on import looking_on
from kohya_wrap.errors import MachineError

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.budget import Budget
    from kohya_wrap.workflow.prepare import Job
    from kohya_wrap.workflow.wishes import Wishes


@click.command("run", cls=in_order.Command, short_help="Train the LoRA that a config describes.")
@click.argument("configs", type=click.Path(path_type=Path), nargs=-1, metavar="[CONFIG]...")
@options.gpu("The card to train on.")
@click.option(
    "--engine", type=click.Choice(["real", "rehearsal"]), default=None, help="[default: as the config says]"
)
@click.option(
    "--num-processes",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Train on so many GPUs at once.",
)
@click.option("--gpus", metavar="0,1", help="Train several configs side by side, one on each of these GPUs.")
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
@click.option("--price", type=options.Amount(), metavar="DOLLARS", help="What this machine costs an hour.")
@click.option(
    "--max-cost", type=options.Amount(), metavar="DOLLARS", help="Stop in time, the last state kept."
)
@click.option("--max-hours", type=options.Amount(), metavar="HOURS", help="The same by the clock.")
@click.option("--count-setup", is_flag=True, help="What is fetched and installed first counts for both.")
@click.option(
    "--detach", is_flag=True, help="Give the shell back when the first step is done; it goes on by itself."
)
@click.option(
    "--probe", is_flag=True, help="First two steps on the batch that needs the most memory, and a sample."
)
@options.notify
@in_order.afterwards
@options.set_values
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="KEY=A,B",
    help="Train once with each of the values, and once with each combination of several --sweep.",
)
@options.provisioning
@options.json_output
def command(
    configs: tuple[Path, ...],
    gpu: str,
    engine: str | None,
    num_processes: int,
    gpus: str | None,
    restart: bool,
    until_epoch: int | None,
    continue_from: Path | None,
    price: float | None,
    max_cost: float | None,
    max_hours: float | None,
    count_setup: bool,
    detach: bool,
    probe: bool,
    notify: tuple[str, ...],
    afterwards: tuple[tuple[str, bool], ...],
    words: tuple[str, ...],
    sweeps: tuple[str, ...],
    as_json: bool,
    **provisioning: Any,
) -> None:
    """Train the LoRA that CONFIG describes, fetching first what is missing; of several, one after the other.

    The guide's own file runs unchanged: its spellings are mapped to the engine's, and each mapping is said.
    A run that was cut off goes on from its last whole epoch; one whose trainer still lives is watched again.
    Of several, one that fails does not stop the next, and the caps are over all of them.

    \b
    kohya-wrap run my-lora/training_config.toml
    kohya-wrap run --set learning_rate=2e-4 --set output_name=stronger
    kohya-wrap run --detach                  then: kohya-wrap status, logs -f, stop
    kohya-wrap run --until-epoch 6           look at it, then go on with: kohya-wrap run
    kohya-wrap run cat/ dog/ style.toml      one after the other
    kohya-wrap run --sweep network_dim=16,32 --sweep unet_lr=1e-4,2e-4 --gpus 0,1
    kohya-wrap run --then upload:hf://me/my-lora --then terminate-instance
    kohya-wrap run --engine rehearsal        the same way in seconds, without a GPU: no training
    """
    began = time.monotonic()
    from kohya_wrap.cli.afterwards import every_end, terminal_may_be_lost

    click.get_current_context().with_resource(terminal_may_be_lost())
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.training import Session, as_data, preparing, say_result, train
    from kohya_wrap.domain.afterwards import parse
    from kohya_wrap.domain.budget import Budget
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import at_work, machine, queue, queue_entries, run_folder
    from kohya_wrap.workflow.notify import targets
    from kohya_wrap.workflow.prepare import JobRequest, prepare
    from kohya_wrap.workflow.trained import Trained
    from kohya_wrap.workflow.wishes import Wishes, budget_of, continued, until

    console, steps = Console(as_json=as_json), parse(afterwards)
    configs = configs or (Path("training_config.toml"),)
    named = queue_entries.configs_of(configs)
    if detach:
        _detach(console, named)
        return
    if continue_from is not None:
        words = (*words, continued(continue_from))
    session = Session(Places.from_environment(os.environ), targets(notify, os.environ))
    click.get_current_context().with_resource(at_work.announced(session.places))
    request = JobRequest(named[0], gpu, engine or "", words=words, processes=num_processes, **provisioning)

    asked = Budget(price, max_cost, max_hours)

    def wishes(job: Job, asked: Budget, since: float) -> Wishes:
        unfinished = (
            None if restart else run_folder.unfinished(job.project, str(job.config.get("output_name")))
        )
        within, said = budget_of(asked, job.user.wrapper, job.machine.preset, unfinished)
        pause, more = until(until_epoch, unfinished)
        console.findings((*said, *more))
        return Wishes(restart, pause, within, since if count_setup else None, probe)

    cards = machine.numbered(gpus, os.environ) if gpus is not None else None
    if cards and num_processes > 1:
        raise click.UsageError(
            "--gpus trains each config on one GPU, --num-processes one config on several: not both."
        )
    if len(named) > 1 or sweeps or cards:
        from kohya_wrap.cli import queued

        entries = queue_entries.entries_of(named, words, queue_entries.axes_of(sweeps), os.environ)

        def in_turn(job: Job, within: Budget) -> Wishes:
            return wishes(job, within, time.monotonic())

        typed = (configs, (words, sweeps))
        queued.run(
            console, entries, typed, request, asked, in_turn, session, steps, restart=restart, cards=cards
        )
        return

    def prepared() -> Job:
        with preparing(console, session.told, named[0]):
            return prepare(request, session.places, os.environ)

    # What follows is known before the images are looked at, which may take minutes: those can be an end as well.
    entry = queue_entries.Entry(named[0], words)
    known = queue.checked([entry], gpu, request.engine, session.places, os.environ).trained if steps else {}
    job = None if known else prepared()
    with every_end(
        console, steps, [Trained.of(job)] if job else list(known.values()), session.told
    ) as outcome:
        job = job or prepared()
        job, result = train(console, job, session, wishes(job, asked, began), outcome.begun.append)
        outcome.data = as_data(result)
        say_result(console, result)
    if as_json:
        console.envelope("run", outcome.data, findings=(*job.findings, *result.findings))


def _detach(console: Console, configs: Sequence[Path]) -> None:
    """The same words without --detach, in a process of its own. Where that ends at once: its words, its exit code."""
    from kohya_wrap.cli.console import is_envelope
    from kohya_wrap.domain.finding import typed
    from kohya_wrap.workflow import detached, watched

    envelopes: list[str] = []

    def say(line: str) -> None:
        if console.as_json and is_envelope(line):
            envelopes.append(line)
        else:
            console.say(line)

    words = [word for word in sys.argv[1:] if word != "--detach"]
    env = {name: value for name, value in os.environ.items() if name != "KOHYA_WRAP_RUN_DETACH"}
    with looking_on(configs[0]):
        code, run = detached.start(words, configs, env, say)
    if code < 0:
        raise MachineError(
            f"The kohya-wrap that should go on by itself was killed by {signal.Signals(-code).name}.",
            why="The system, out of memory, or somebody; its trainer may be at work all the same.",
            hint=f"kohya-wrap status {typed(configs[0])}",
        )
    if run is None:  # it has said itself what came of it
        for envelope in envelopes:
            print(envelope)
        sys.exit(code)
    config = typed(watched.status(run).config)
    console.say(
        f"It goes on by itself: kohya-wrap status {config}, kohya-wrap logs -f {config}, kohya-wrap stop {config}"
    )
    if console.as_json:
        console.envelope("run", {"run": str(run), "detached": True})
