"""When to end a trainer that would go on: asked to, the epoch asked for is reached, what it makes is of no use, or it hangs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from kohya_wrap.domain.events import (
    AttemptStarted,
    Event,
    FewerProcesses,
    LossNotFinite,
    Progress,
    StateKept,
    TrainerStarted,
    Unfit,
)
from kohya_wrap.host import seconds
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training.stop_file import StopFile

# A spot instance is taken away 30 seconds after its SIGTERM or later (FACTS, section 4): within these a state may yet
# be written, with some seconds left for writing it.
_NEAR = 12.0
_SAVING = 5.0


class Why(Enum):
    ASKED = "asked to stop"
    REACHED = "the epoch asked for is reached"
    USELESS = "what it makes is of no use"
    HANGS = "it hangs"
    BUDGET = "the budget does not hold another epoch"


@dataclass(frozen=True)
class Patience:
    """Seconds in which the trainer's log does not grow, after which it counts as hanging.

    Attributes:
        at_start: loading a base over a slow network says nothing for minutes.
        between_steps: and no less than so many `steps` take: saving lies between.
    """

    at_start: float = 1800.0
    between_steps: float = 300.0
    steps: int = 50

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Patience:
        """KOHYA_WRAP_HANG_SECONDS instead of all of them."""
        told = seconds.told(env, "KOHYA_WRAP_HANG_SECONDS")
        return cls() if told is None else cls(told, told, 0)


@dataclass
class EndNow:
    """Told every event; asked after each look at the log.

    Attributes:
        until_epoch: None for all of them.
        why: set once it has said yes.
    """

    attempt: AttemptStarted
    stop: StopRequest
    stop_file: StopFile
    log: Path
    until_epoch: int | None
    patience: Patience
    seconds_left: float | None = None
    why: Why | None = None
    _began: float = field(default_factory=time.monotonic)
    _last_word: float = field(default_factory=time.monotonic)
    _log_size: int = 0
    _progress: Progress | None = None
    _epochs_kept: int = 0
    _no_longer: float | None = None  # a state is waited for; by the clock of time.monotonic

    def told(self, event: Event) -> None:
        if isinstance(event, LossNotFinite | Unfit | FewerProcesses):
            self.why = self.why or Why.USELESS  # the engine would train on for hours, save NaN and exit 0
        elif isinstance(event, StateKept):
            if self.until_epoch is not None and event.epoch >= self.until_epoch:
                self.why = self.why or Why.REACHED
            if self._asked():
                self.why = self.why or Why.ASKED
            self._epochs_kept = event.epoch
        elif isinstance(event, Progress):
            self._progress = event
        elif isinstance(event, TrainerStarted):
            self._progress = None

    def __call__(self) -> bool:
        if self.why is None:
            if self._at_once():
                self.why = Why.ASKED
            elif self._too_dear():
                self.why = Why.BUDGET
            elif self._silent_for() > self._allowed():
                self.why = Why.HANGS
        return self.why is not None

    def _asked(self) -> bool:
        return bool(self.stop) or self.stop_file.asks()

    def _at_once(self) -> bool:
        """Asked, and no state is so near that it is worth waiting for."""
        if self.stop_file.asks_at_once() or self.stop.times > 1 or self.stop.is_interrupt:
            return True
        if not self.stop:
            return False
        if self._no_longer is None:
            left = self._seconds_to_state()
            wait = 0.0 if left is None or left > _NEAR else _SAVING + 1.5 * left
            self._no_longer = time.monotonic() + wait
        return time.monotonic() >= self._no_longer

    def _too_dear(self) -> bool:
        """The next state, which alone is worth going on for, would not be written before the budget's end."""
        if self.seconds_left is None:
            return False
        left = self.seconds_left - (time.monotonic() - self._began)
        seen = self._progress
        if left <= 0 or seen is None or seen.seconds_per_step is None:
            return left <= 0
        if not self.attempt.is_settled(seen.step):
            return False
        next_state = self.attempt.steps_done + (self._kept() + 1) * self.attempt.steps_per_epoch
        return (next_state - seen.step) * seen.seconds_per_step > left

    def _kept(self) -> int:
        """Epochs of this attempt whose state is written."""
        return max(self._epochs_kept - self.attempt.epochs_done, 0)

    def _seconds_to_state(self) -> float | None:
        """Until the epoch's last step is done, at the pace so far; None where nothing is known of it."""
        seen = self._progress
        if seen is None or seen.seconds_per_step is None:
            return None
        return self.attempt.steps_to_state(seen.step) * seen.seconds_per_step

    def _silent_for(self) -> float:
        """Bars of caching and of drawing samples are words too, though no events."""
        with suppress(FileNotFoundError):  # removed by somebody: it says nothing any more
            if (size := self.log.stat().st_size) != self._log_size:
                self._log_size, self._last_word = size, time.monotonic()
        return time.monotonic() - self._last_word

    def _allowed(self) -> float:
        if self._progress is None:
            return self.patience.at_start
        pace = self._progress.seconds_per_step or 0
        return max(self.patience.between_steps, self.patience.steps * pace)
