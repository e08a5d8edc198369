"""Notices of a run to whoever is away: when it ends, and when something is wrong meanwhile. They hold nothing up."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from kohya_wrap.domain import warning
from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    Event,
    LossNotFinite,
    Progress,
    RunEnded,
    StateKept,
    Supervised,
    Unfit,
)
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.wording import clock
from kohya_wrap.errors import Interrupted, Stopped, UsageError
from kohya_wrap.host import tool
from kohya_wrap.host.webhook import NotTaken
from kohya_wrap.training.supervise import OnEvent
from kohya_wrap.workflow import run_folder
from kohya_wrap.workflow.notify import Notice, Target
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder

PATIENCE = 10.0  # seconds at the end of a run, for what is not sent yet

OnFinding = Callable[[Finding], None]


class _Sender:
    """One target, in a thread of its own: a slow one makes no other wait."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.failure = ""  # the first that was not said yet
        self._failed = False
        self._waiting: SimpleQueue[Notice | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def send(self, notice: Notice) -> None:
        self._waiting.put(notice)
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="notices", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no more of them
                return self._fail(str(error))
            self._thread = thread

    def end(self, until: float) -> None:
        """Wait for what is under way, until this moment of time.monotonic."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._fail(f"not done within {PATIENCE:g} s of the run's end")

    def _work(self) -> None:
        while (notice := self._waiting.get()) is not None:
            try:
                self.target.send(notice)
            except NotTaken as error:
                self._fail(error.reason)
            except Exception as error:
                self._fail(type(error).__name__)

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed, self.failure = True, reason


def of_steps(name: str, runs: Sequence[RunFolder], steps: Sequence[Mapping[str, Any]], log: str) -> Notice:
    """What came of the steps after the training of `name`.

    Args:
        steps: {"step", "ok", "text"} of each that was begun.
        log: where more of it stands; empty where that is a terminal.
    """
    words = [f"{one['step']}: {'' if one['ok'] else 'failed: '}{one['text']}" for one in steps]
    text = tool.redact(f"{name}: afterwards: {'; '.join(words)}" + (f" (more of it: {log})" if log else ""))
    event = "afterwards" if all(one["ok"] for one in steps) else "failed"
    if not runs:
        return Notice(event, text, "", name, 0, 0, None, "")
    ledger = runs[-1].ledger
    seen, kept = ledger.progress, ledger.checkpoints
    loss = seen.loss if seen and seen.loss is not None and math.isfinite(seen.loss) else None
    step, steps_in_all = (seen.step, seen.total) if seen else (0, 0)
    if ledger.outcome == "paused" and ledger.states:  # the trainer had begun the next epoch
        step = ledger.states[-1].steps
    return Notice(event, text, str(runs[-1].path), name, step, steps_in_all, loss, kept[-1] if kept else "")


def of_preparation(name: str, error: BaseException) -> Notice:
    """Of one that ended before there was a run."""
    return Notice(_event(error), tool.redact(f"{name}: {_in_words(error)}"), "", name, 0, 0, None, "")


def _event(error: BaseException) -> str:
    return "stopped" if isinstance(error, Interrupted | Stopped | KeyboardInterrupt) else "failed"


def _in_words(error: BaseException) -> str:
    return (
        "Stopped by Ctrl-C." if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
    )


def of_queue(names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> Notice:
    """What came of several trainings, those that were refused at the beginning as well.

    Args:
        rows: {"config", "swept", "outcome"} of each, and "reason" where there is one.
    """
    counts = Counter(row["outcome"] for row in rows)
    words = [f"all is over: {', '.join(f'{n} {outcome}' for outcome, n in counts.items())}"]
    for row in rows:
        if reason := row.get("reason"):
            swept = f" ({row['swept']})" if row["swept"] else ""
            words.append(f"{row['config']}{swept}: {reason}")
    return Notice("queue", tool.redact("; ".join(words)), "", ", ".join(dict.fromkeys(names)), 0, 0, None, "")


def send(targets: Sequence[Target], notice: Notice, say: OnFinding) -> None:
    """One, outside of a run; what did not reach anybody is said."""
    senders = [_Sender(target) for target in targets]
    for sender in senders:
        sender.send(notice)
    _end(senders)
    _say_failures(senders, say)


def _end(senders: Sequence[_Sender]) -> None:
    until = time.monotonic() + PATIENCE
    with suppress(KeyboardInterrupt, Stopped):  # who cannot wait need not
        for sender in senders:
            sender.end(until)


def _say_failures(senders: Sequence[_Sender], say: OnFinding) -> None:
    for sender in senders:
        if sender.failure:
            failure, sender.failure = sender.failure, ""
            said = f"a notice did not reach {sender.target.called}: {failure}."
            say(Finding(Level.WARNING, "notice", said))


class Notices:
    """Around a run: `with Notices(…) as notices`, and its events go through `notices.before`.

    Args:
        say: told of a target's first failure, in the thread that brings the events.
    """

    def __init__(self, targets: Sequence[Target], job: Job, budget: Budget, say: OnFinding) -> None:
        self._senders = [_Sender(target) for target in targets]
        self._job, self._budget, self._say = job, budget, say
        self._began = time.monotonic()
        self._run: Path | None = None
        self._step, self._steps, self._lora = 0, job.plan.steps, ""
        self._loss: float | None = None
        self._kept = 0  # steps of whole epochs that a state holds
        self._is_lost = self._has_ended = False

    def __enter__(self) -> Notices:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not self._senders:
            return
        # A run that was refused has not failed: another of its name may be at work.
        if error is not None and not self._has_ended and not isinstance(error, UsageError):
            self._send(_event(error), _in_words(error))
        _end(self._senders)
        self._say_failures()

    def before(self, job: Job, then: OnEvent) -> OnEvent:
        """The same events for `then`, each looked at on its way; `job` as it is now, with all that was resolved."""
        if not self._senders:
            return then
        self._job, self._steps = job, job.plan.steps

        def on_event(event: Event) -> None:
            then(event)
            self._look_at(event)
            self._say_failures()

        return on_event

    def _look_at(self, event: Event) -> None:
        if isinstance(event, Supervised):
            self._began = time.monotonic() - event.spent
            self._recall(self._folder())
        elif isinstance(event, AttemptStarted):
            self._step = event.steps_done
        elif isinstance(event, Progress):
            self._step, self._steps, self._loss = event.step, event.total, event.loss
        elif isinstance(event, CheckpointKept):
            self._lora = event.path
        elif isinstance(event, StateKept):
            self._kept = event.steps
        elif isinstance(event, RunEnded):
            self._has_ended = True
            self._end(event)
        elif isinstance(event, Unfit | LossNotFinite) and self._is_lost:
            pass  # what follows from the first
        elif words := warning.in_words(event):
            self._is_lost = isinstance(event, Unfit | LossNotFinite)
            self._send("warning", f"step {self._step} of {self._steps}: {words}")

    def _recall(self, run: RunFolder | None) -> None:
        """What an earlier call has done of it."""
        if run is None:
            return
        self._run, ledger = run.path, run.ledger
        if ledger.states:
            self._kept = ledger.states[-1].steps
        if ledger.checkpoints:
            self._lora = ledger.checkpoints[-1]
        if seen := ledger.progress:
            self._step, self._steps, self._loss = seen.step, seen.total, seen.loss

    def _end(self, event: RunEnded) -> None:
        if event.outcome in ("done", "paused"):
            if event.outcome == "paused":  # the trainer had begun the next epoch
                self._step = self._kept
            what = "rehearsed" if self._job.engine_kind == "rehearsal" else "trained"
            far = "as far as it should for now, " if event.outcome == "paused" else ""
            loss = "" if self._finite is None else f", loss {self._finite:.3g}"
            text = f"{what} {far}step {self._step} of {self._steps}{loss}, {self._spent()}: {self._lora}"
            self._send("finished", text)
        else:
            self._send(event.outcome, f"{event.reason} ({event.outcome}, {self._spent()})")

    def _send(self, event: str, words: str) -> None:
        text = tool.redact(f"{self._name}: {words}")
        notice = Notice(
            event, text, str(self._run or ""), self._name, self._step, self._steps, self._finite, self._lora
        )
        for sender in self._senders:
            sender.send(notice)

    def _folder(self) -> RunFolder | None:
        with suppress(OSError):
            return next(run_folder.of_name(self._job.project, self._name), None)
        return None

    def _spent(self) -> str:
        seconds = time.monotonic() - self._began
        dollars = self._budget.dollars(seconds)
        return clock(seconds) + ("" if dollars is None else f", ${dollars:.2f}")

    def _say_failures(self) -> None:
        _say_failures(self._senders, self._say)

    @property
    def _name(self) -> str:
        return str(self._job.config.get("output_name") or self._job.user.path.stem)

    @property
    def _finite(self) -> float | None:
        return self._loss if self._loss is not None and math.isfinite(self._loss) else None
