"""The steps after a training, said as they are done; what they came to, as an exit code."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.errors import of_the_system
from kohya_wrap.errors import ExitCode, Interrupted, KohyaWrapError, MachineError, Stopped

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.afterwards import Step
    from kohya_wrap.workflow.afterwards import Afterwards, StepDone
    from kohya_wrap.workflow.notify import Target
    from kohya_wrap.workflow.run_folder import RunFolder
    from kohya_wrap.workflow.trained import Trained

# Nothing was begun, and who typed it is told at once.
_NOTHING_BEGAN = (ExitCode.USAGE, ExitCode.CONFIG, ExitCode.DATASET)


@dataclass
class Outcome:
    """Attributes:
    data: what --json shows of the training; None while it has not succeeded.
    before: folders of runs that an earlier call of the same command has done or begun.
    """

    data: dict[str, Any] | None = None
    then: list[dict[str, Any]] = field(default_factory=list)
    before: list[Path] = field(default_factory=list)
    begun: list[Path] = field(default_factory=list)


@contextmanager
def every_end(
    console: Console, steps: tuple[Step, ...], trained: Sequence[Trained], told: Sequence[Target] = ()
) -> Iterator[Outcome]:
    """Ask whether the steps can be done, let the block train, do them whatever came of it.

    Args:
        told: who gets a notice of what came of the steps.

    Raises:
        UsageError, MachineError: they cannot; nothing was begun.
        MachineError: the block succeeded and a step did not. An error of the block itself always comes first.
    """
    outcome = Outcome()
    if not steps:
        yield outcome
        return
    from kohya_wrap.workflow.afterwards import DONE
    from kohya_wrap.workflow.beforehand import ready

    afterwards = ready(steps, os.environ, [one.output for one in trained], Path.cwd())
    console.say(_announced(afterwards))
    began = time.time()
    try:
        yield outcome
    except BaseException as error:
        begun, runs = _runs(outcome, began, trained)
        if (
            begun
            or outcome.begun
            or not isinstance(error, KohyaWrapError)
            or error.code not in _NOTHING_BEGAN
        ):
            stopped = isinstance(error, KeyboardInterrupt | Interrupted | Stopped)
            # Cut short is said; how the training ended comes first.
            with suppress(KeyboardInterrupt, Stopped), _noticed(console, told, trained, runs, outcome):
                _do(console, afterwards, runs, outcome, "stopped" if stopped else "failed")
            known = of_the_system(error) if isinstance(error, OSError) else error
            if isinstance(known, KohyaWrapError):
                known.data = {**(known.data or {}), "then": outcome.then}
                raise known from None
        raise
    try:
        _, runs = _runs(outcome, began, trained)
        with _noticed(console, told, trained, runs, outcome):
            failed = _do(console, afterwards, runs, outcome, DONE)
    except (KeyboardInterrupt, Stopped) as cut:
        raise _cut_short(cut, _with_steps(outcome)) from None
    data = _with_steps(outcome)
    if failed is not None:
        raise MachineError(
            f"The training is done and kept; afterwards: {failed.message}",
            why=failed.why,
            hint=failed.hint,
            data=data,
        )


def _with_steps(outcome: Outcome) -> dict[str, Any] | None:
    if outcome.data is not None:
        outcome.data["then"] = outcome.then
    return outcome.data


def _runs(
    outcome: Outcome, began: float, trained: Sequence[Trained]
) -> tuple[list[RunFolder], list[RunFolder]]:
    """Those that this call took in hand, and all that its steps are about."""
    from kohya_wrap.workflow.afterwards import begun_since
    from kohya_wrap.workflow.run_folder import RunFolder

    begun = begun_since(began, trained)
    return begun, list({run.path: run for run in (*map(RunFolder, outcome.before), *begun)}.values())


def _do(
    console: Console, afterwards: Afterwards, runs: Sequence[RunFolder], outcome: Outcome, ended: str
) -> KohyaWrapError | None:
    from kohya_wrap.workflow.afterwards import DONE, without_record

    def say(text: str) -> None:
        console.say(f"then: {text}")

    def on_done(done: StepDone) -> None:
        outcome.then.append({"step": done.step.words, "ok": done.error is None, "text": done.text})
        if done.error is None:
            say(f"{done.step.words}: {done.text}")
        else:
            say(f"{done.step.words}: failed: {done.error.message}")
            say(f"  why: {done.error.why}")
            say(f"  try: {done.error.hint}")
        _record(runs, done.step, done.error is None, done.text)

    due = afterwards.due(well=ended == DONE)
    for step in due:
        _record(runs, step, None, "")
    left = [step.words for step in afterwards.steps if step not in due]
    if left:
        say(f"not done, since the training did not succeed: {', '.join(left)}")
    lost = without_record(outcome.begun, runs)
    try:
        return afterwards.do(ended=ended, runs=runs, lost=lost, say=say, on_done=on_done)
    except (KeyboardInterrupt, Stopped):
        if behind := [step.words for step in due[len(outcome.then) :]]:
            say(f"not done, since it was cut short: {', '.join(behind)}")
        raise


def _record(runs: Sequence[RunFolder], step: Step, ok: bool | None, text: str) -> None:
    """For whoever comes later: the run folder is the record."""
    from kohya_wrap.domain.events import Afterwards
    from kohya_wrap.host import child
    from kohya_wrap.host.tool import redact
    from kohya_wrap.training.journal import Journal
    from kohya_wrap.workflow.detached import LOG

    event = Afterwards(redact(step.words), ok, redact(text), os.environ.get(LOG, ""), *child.this_one())
    for run in runs:
        with suppress(OSError), Journal(run.journal) as journal:
            journal.write(event)


@contextmanager
def _noticed(
    console: Console,
    told: Sequence[Target],
    trained: Sequence[Trained],
    runs: Sequence[RunFolder],
    outcome: Outcome,
) -> Iterator[None]:
    """Whoever is away hears what came of the steps, also where they are cut short."""
    try:
        yield
    finally:
        if told and outcome.then:
            from kohya_wrap.workflow import notices
            from kohya_wrap.workflow.detached import LOG

            names = dict.fromkeys(one.output_name for one in trained)
            notice = notices.of_steps(", ".join(names), runs, outcome.then, os.environ.get(LOG, ""))
            notices.send(told, notice, lambda found: console.findings([found]))


def _announced(afterwards: Afterwards) -> str:
    """What will follow, and on which machine, before it costs anything."""
    said = [
        f"{step.words} ({afterwards.instance.title})" if step.ends_instance else step.words
        for step in afterwards.steps
    ]
    when = ["on every end" if step.always else "on success" for step in afterwards.steps]
    return "Then: " + "; ".join(f"{words}, {end}" for words, end in zip(said, when, strict=True))


def _cut_short(cut: BaseException, data: dict[str, Any] | None) -> KohyaWrapError:
    is_queue = data is not None and "jobs" in data
    again = (
        ", or the same command again: what is done is not done again."
        if is_queue
        else "; `run` again would train anew."
    )
    by = Interrupted if isinstance(cut, KeyboardInterrupt) else Stopped
    return by(
        "The training is done and kept; what should follow was cut short.",
        why="Ctrl-C." if by is Interrupted else "SIGTERM: somebody, or the machine going away, asked for it.",
        hint="Do by hand what stands above as cut short or not done" + again,
        data=data,
    )


@contextmanager
def terminal_may_be_lost() -> Iterator[None]:
    """Around all of a `run`, and what it starts meanwhile to fetch and install: only a signal that is meant ends it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if hasattr(signal, "SIGHUP") else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGHUP, before)
