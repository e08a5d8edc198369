"""One attempt of the engine: start it or find it at work, turn its output into events until it ends, leave nothing running."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from kohya_wrap.domain.events import Advice, Event, Progress, TrainerEnded, TrainerStarted
from kohya_wrap.errors import EngineError
from kohya_wrap.host import child
from kohya_wrap.training.output import OutputReader

# How often the log is looked at, in seconds: what a person sees as at once while a training begins, then at a tenth of its
# age. A look costs some 8 ms of CPU: beside a training nothing of what it needs is in the processor's caches.
_OFTEN, _SELDOM = 0.25, 2.0

_EMPTIED = Advice(
    "the engine's log has become shorter: somebody has emptied it. It is read from its beginning again, and what was saved "
    "meanwhile is found by its files.",
    "log",
)

OnEvent = Callable[[Event], None]
EndNow = Callable[[], bool]


@dataclass(frozen=True)
class Attempt:
    """What is started, and where its output goes."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path


def start(attempt: Attempt, on_event: OnEvent) -> child.Child:
    """Raises EngineError: the launcher cannot be started."""
    try:
        trainer = child.start(attempt.argv, env=attempt.env, cwd=attempt.cwd, log=attempt.log)
    except OSError as error:
        if error.filename == str(attempt.log.resolve()):  # no fault of the engine's
            raise
        raise EngineError(
            f"{attempt.argv[0]} cannot be started: {error.strerror}.",
            why="The engine's environment is incomplete.",
            hint="kohya-wrap init",
        ) from error
    on_event(TrainerStarted(trainer.pid, trainer.started, attempt.argv))
    return trainer


def watch(
    trainer: child.Child, log_from: int, reader: OutputReader, end_now: EndNow, on_event: OnEvent
) -> int | None:
    """Follow its log to its end, or until `end_now` says so: the exit code, None where nobody saw it.

    When this process is killed, the trainer goes on; when it fails, no trainer is left that nobody watches.

    Args:
        log_from: the byte where this attempt's output begins.
        end_now: asked after each look.
    """
    began = time.monotonic()
    log = child.LineReader(trainer.log, log_from)
    try:
        with trainer.rests() as rest:
            while trainer.running():
                _pass_on(log, reader, on_event)
                if end_now():
                    break
                rest(min(max((time.monotonic() - began) / 10, _OFTEN), _SELDOM))
        if trainer.running():
            trainer.stop()
        _pass_on(log, reader, on_event, last=True)
    finally:
        if trainer.running():
            trainer.stop()
        trainer.sweep()
        log.close()
    on_event(TrainerEnded(trainer.code, round(time.monotonic() - began, 3)))
    return trainer.code


def _pass_on(log: child.LineReader, reader: OutputReader, on_event: OnEvent, *, last: bool = False) -> None:
    emptied = log.emptied
    lines = log.new(last=last)
    if log.emptied > emptied:
        on_event(_EMPTIED)
    events = [event for line in lines for event in reader.feed(line)]
    for event, after in zip_longest(events, events[1:]):
        # The bar is drawn twice a step, first with the loss of the step before.
        if not (isinstance(event, Progress) and isinstance(after, Progress) and after.step == event.step):
            on_event(event)
