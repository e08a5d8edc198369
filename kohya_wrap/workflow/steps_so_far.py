"""How far the steps after a training are, by the record of its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kohya_wrap.domain.events import Afterwards, Event, Supervised
from kohya_wrap.host import child


@dataclass(frozen=True)
class StepSoFar:
    """Attributes:
    state: under way, waits, done, failed, not done (whoever should do it is gone).
    text: what was done, or why it was not.
    """

    step: str
    state: str
    text: str = ""


@dataclass(frozen=True)
class StepsSoFar:
    """Attributes:
    log: where they say what they do; empty where that was a terminal.
    pid: of the process that does them; None where it is gone, or has done all.
    """

    steps: tuple[StepSoFar, ...] = ()
    log: str = ""
    pid: int | None = None


def of(events: Sequence[Event]) -> StepsSoFar:
    """Those of the last process that had some to do, in their order; none where the training went on since."""
    begun = max((place for place, event in enumerate(events) if isinstance(event, Supervised)), default=0)
    told = [event for event in events[begun:] if isinstance(event, Afterwards)]
    if not told:
        return StepsSoFar()
    last = told[-1]
    lives = last.pid > 0 and child.lives(last.pid, last.process_started)
    due: list[str] = []
    ended: list[StepSoFar] = []
    for event in told:
        if (event.pid, event.process_started) != (last.pid, last.process_started):
            continue
        if event.ok is None:
            due.append(event.step)
        else:
            ended.append(StepSoFar(event.step, "done" if event.ok else "failed", event.text))
    left = due[len(ended) :]
    first, others = ("under way", "waits") if lives else ("not done", "not done")
    open_ = tuple(StepSoFar(words, others if place else first) for place, words in enumerate(left))
    return StepsSoFar((*ended, *open_), last.log, last.pid if lives and left else None)
