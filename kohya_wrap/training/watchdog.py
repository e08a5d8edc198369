"""What a training does not say itself while it goes wrong: a disk that fills up, steps that slow down, a GPU that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kohya_wrap.domain.events import Advice, CheckpointKept, Event, Progress, StateKept, Validated
from kohya_wrap.host import atomic
from kohya_wrap.host.gpu_meter import GpuMeter

_EVERY = 30.0  # seconds between two looks
_STEPS, _SECONDS = 20, 120.0  # of a window by which a pace is judged: no shorter than both
_SLOW = 2.0  # times the first window
_IDLE = 10  # per cent of the time at work: below that a training waits for something


@dataclass
class Watchdog:
    """Told every event, asked after each look at the log.

    Attributes:
        output: where the LoRA is saved; `run` where states are.
        meter: of the GPU; None where it trains on none.
    """

    output: Path
    run: Path
    meter: GpuMeter | None
    _next: float = field(default_factory=lambda: time.monotonic() + _EVERY)
    _sizes: dict[type[Event], int] = field(default_factory=dict)
    _busy: list[int] = field(default_factory=list)
    _window: tuple[float, int] | None = None  # its beginning: time and step
    _first_pace: float | None = None
    _validated: dict[int, float] = field(default_factory=dict)  # epoch -> loss

    def told(self, event: Event) -> Iterator[Advice]:
        if isinstance(event, CheckpointKept | StateKept):
            self._sizes[type(event)] = atomic.bytes_below(Path(event.path))
            self._window = None  # saving, and drawing samples, are no steps
        elif isinstance(event, Progress):
            yield from self._paced(event.step, time.monotonic())
        elif isinstance(event, Validated):
            self._validated[event.epoch] = event.loss
            yield from self._overfits()

    def __call__(self) -> Iterator[Advice]:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        yield from self._room()
        seen = self.meter.latest if self.meter else None
        if seen is not None and seen.busy is not None:
            self._busy.append(seen.busy)

    def _room(self) -> Iterator[Advice]:
        """For what is saved next; a file that is cut short ends the training."""
        for where, kinds in ((self.output, (CheckpointKept,)), (self.run, (StateKept, CheckpointKept))):
            needed = sum(self._sizes.get(kind, 0) for kind in kinds)
            free = atomic.free_bytes(where)
            if free < needed:
                yield Advice(
                    f"the disk of {where} has {free / 1e6:.0f} MB left, and what is saved next takes {needed / 1e6:.0f} MB: "
                    "make room (df -h), or the training ends there; what is kept until then is not lost.",
                    "disk",
                )

    def _paced(self, step: int, now: float) -> Iterator[Advice]:
        if self._window is None:
            self._window, self._busy = (now, step), []
            return
        began, first = self._window
        if now - began < _SECONDS or step - first < _STEPS:
            return
        pace = (now - began) / (step - first)
        yield from self._idle()
        self._window, self._busy = (now, step), []
        if self._first_pace is None:
            self._first_pace = pace
        elif pace > _SLOW * self._first_pace:
            yield Advice(
                f"a step takes {pace:.2f} s now, and took {self._first_pace:.2f} s at first: another process on this machine, "
                "a card that is too hot (nvidia-smi), or a slow disk.",
                "slow",
            )

    def _overfits(self) -> Iterator[Advice]:
        """Twice in a row above the least: once may be chance, with few images."""
        best = min(self._validated, key=lambda epoch: self._validated[epoch])
        since = [epoch for epoch in self._validated if epoch > best]
        if len(since) > 1:
            yield Advice(
                f"the validation loss was least after epoch {best} ({self._validated[best]:.3g}) and is "
                f"{self._validated[since[-1]]:.3g} now: what follows may be learned by heart; compare the checkpoints from there.",
                "overfits",
            )

    def _idle(self) -> Iterator[Advice]:
        if len(self._busy) > 2 and (busy := sum(self._busy) / len(self._busy)) < _IDLE:
            yield Advice(
                f"the GPU was at work for {busy:.0f} % of the last minutes: it waits for images, or another process holds the "
                "processor (top).",
                "gpu-idle",
            )
