"""One attempt of the engine: start it, turn its output into events until it ends, leave nothing running."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from kohya_wrap.domain.events import Event, Progress, TrainerEnded, TrainerStarted
from kohya_wrap.errors import EngineError
from kohya_wrap.host import child
from kohya_wrap.training.output import OutputReader

# How often the log is looked at: what a person sees as at once, at a cost nobody sees.
_LOOK = 0.25  # seconds


@dataclass(frozen=True)
class Attempt:
    """What is started, and where its output goes."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path


def supervise(
    attempt: Attempt, reader: OutputReader, stop: child.StopRequest, on_event: Callable[[Event], None]
) -> int:
    """Run to the end, or until `stop` is asked for; the exit code, negative for a signal.

    Raises:
        EngineError: the launcher cannot be started.
    """
    began = time.monotonic()
    try:
        trainer = child.start(attempt.argv, env=attempt.env, cwd=attempt.cwd, log=attempt.log)
    except OSError as error:
        raise EngineError(
            f"{attempt.argv[0]} cannot be started: {error.strerror}.",
            why="The engine's environment is incomplete.",
            hint="kohya-wrap init",
        ) from error
    log = child.LineReader(attempt.log)
    try:
        on_event(TrainerStarted(trainer.process.pid, trainer.started, attempt.argv))
        while (code := trainer.poll()) is None:
            _pass_on(log.new(), reader, on_event)
            if stop:
                code = trainer.stop()
                break
            time.sleep(_LOOK)
        _pass_on(log.new(last=True), reader, on_event)
    finally:
        if trainer.process.poll() is None:  # an exception of ours: no trainer is left that nobody watches
            trainer.stop()
        trainer.sweep()
        log.close()
    on_event(TrainerEnded(code, round(time.monotonic() - began, 3)))
    return code


def _pass_on(lines: list[str], reader: OutputReader, on_event: Callable[[Event], None]) -> None:
    events = [event for line in lines for event in reader.feed(line)]
    for event, after in zip_longest(events, events[1:]):
        # The bar is drawn twice a step, first with the loss of the step before.
        if not (isinstance(event, Progress) and isinstance(after, Progress) and after.step == event.step):
            on_event(event)
