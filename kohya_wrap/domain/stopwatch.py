"""What a training's own steps take, by when they were seen: without the first, and without what is done between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from kohya_wrap.domain.calibration import median
from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    CheckpointSaved,
    EpochStarted,
    Event,
    Progress,
    StateKept,
    StateSaved,
    TrainerStarted,
    Validated,
)

_BETWEEN = (CheckpointKept, CheckpointSaved, EpochStarted, StateKept, StateSaved, Validated)
_ONE_LOOK = 0.1  # seconds within which all was read at one look at the log
_WINDOW = 10  # steps of a window, at least: its ends are right within a step
_ENOUGH = 20  # steps in all windows


@dataclass
class Stopwatch:
    """Of an attempt whose trainer was started by who watches it: of one that was found at work, nothing is measured.

    The last step of a look at the log is the one that was done just then. Two of them, ten steps or more apart and nothing
    saved, drawn or validated between, are a window; the median of the windows counts.

    Attributes:
        drawn_every: steps after which samples are drawn, which the log does not say; 0: none are.
    """

    attempt: AttemptStarted
    drawn_every: int = 0
    _was_started: bool = False
    _begin: tuple[float, int] | None = None  # of the window: time, step
    _last: tuple[float, int] | None = None
    _windows: list[tuple[float, int]] = field(default_factory=list)  # seconds a step, steps

    def told(self, event: Event, now: float) -> None:
        """Args: now: seconds, by any clock that runs evenly."""
        if isinstance(event, TrainerStarted):
            self._was_started = True
        elif isinstance(event, _BETWEEN):
            self._begin = self._last = None
        elif isinstance(event, Progress) and self._was_started and self.attempt.is_settled(event.step):
            self._seen(event.step, now)
            if self.drawn_every and (event.step - self.attempt.more_steps) % self.drawn_every == 0:
                self._begin = self._last = None

    def _seen(self, step: int, now: float) -> None:
        last = self._last
        if last is not None and now - last[0] > _ONE_LOOK:
            if self._begin is None:
                self._begin = last
            elif last[1] - self._begin[1] >= _WINDOW:
                steps = last[1] - self._begin[1]
                self._windows.append(((last[0] - self._begin[0]) / steps, steps))
                self._begin = last
        self._last = (now, step)

    @property
    def steps(self) -> int:
        """That were measured."""
        return sum(steps for _, steps in self._windows)

    @property
    def seconds(self) -> float | None:
        """Of a step; None as long as too few were seen."""
        return median([seconds for seconds, _ in self._windows]) if self.steps >= _ENOUGH else None
