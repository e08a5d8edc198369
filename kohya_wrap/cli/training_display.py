"""A training on the screen: a bar in a terminal, the guide's plain lines in a log."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.console import Console
from kohya_wrap.domain.events import (
    Advice,
    AttemptEnded,
    AttemptStarted,
    CheckpointKept,
    Event,
    LossNotFinite,
    Probed,
    Progress,
    StateDamaged,
    Supervised,
    TrainerFound,
    TrainerStarted,
)
from kohya_wrap.domain.steps import StepPlan

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_LINES = 20  # about so many in a log, whatever the length
_SILENCE = 60.0  # seconds after which a line is due anyway


class TrainingDisplay:
    """Shows events; a lost terminal must not end a training, so its errors are swallowed here alone."""

    def __init__(self, console: Console, plan: StepPlan, dollars_per_hour: float | None) -> None:
        self._console = console
        self._plan = plan
        self._price = dollars_per_hour
        self._began = time.monotonic()
        self._said_step, self._said_at = 0, self._began
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingDisplay:
        if self._console.live:
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
                console=self._console.out,
            )
            self._task = self._bar.add_task("starting", total=self._plan.steps, text="")
            self._bar.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()

    def on_event(self, event: Event) -> None:
        with suppress(OSError):
            self._show(event)

    def _show(self, event: Event) -> None:
        if isinstance(event, Supervised):
            self._began = time.monotonic() - event.spent
        elif isinstance(event, TrainerStarted):
            self._line(f"engine started (pid {event.pid}), loading the base model")
        elif isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, CheckpointKept):
            self._line(f"saved {Path(event.path).name}")
        elif isinstance(event, AttemptStarted):
            if event.epochs_done:
                self._line(f"going on after epoch {event.epochs_done}")
        elif isinstance(event, LossNotFinite):
            self._line(f"the loss is not a number at step {event.step}: stopping")
        elif isinstance(event, Probed):
            width, height = event.size
            self._line(f"the hardest batch fits: {event.images} of {width}x{height}")
        elif isinstance(event, StateDamaged):
            self._line(f"the state {Path(event.path).name} {event.problem}: the one before it is taken")
        elif isinstance(event, AttemptEnded):
            self._line(f"{event.text} {event.action[:1].upper()}{event.action[1:]}.")
        elif isinstance(event, Advice):
            self._line(event.text)
        elif isinstance(event, TrainerFound):
            self._line(f"the trainer is still at work (pid {event.pid}): watching it")

    def _progress(self, event: Progress) -> None:
        pace = f"{event.seconds_per_step:.2f} s/step" if event.seconds_per_step is not None else ""
        left = (
            clock((event.total - event.step) * event.seconds_per_step)
            if event.seconds_per_step is not None
            else "?"
        )
        tail = f"{pace}, ETA {left}" + (f", ${self._dollars():.2f}" if self._price is not None else "")
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                total=event.total,
                completed=event.step,
                description=f"epoch {event.epoch}/{self._plan.epochs}",
                text=f"step {event.step}/{event.total}, loss={event.loss:.3g}, {tail}",
            )
        elif self._due(event):
            # The guide's line first, then what it does not show.
            self._line(
                f"epoch {event.epoch}/{self._plan.epochs}, step {event.step}/{event.total}, loss={event.loss:.3g}, {tail}"
            )

    def _due(self, event: Progress) -> bool:
        every = max(1, event.total // _LINES)
        now = time.monotonic()
        due = (
            event.step // every > self._said_step // every
            or event.step == event.total
            or now - self._said_at > _SILENCE
        )
        if due:
            self._said_step, self._said_at = event.step, now
        return due

    def _dollars(self) -> float:
        return (time.monotonic() - self._began) / 3600 * (self._price or 0)

    def _line(self, text: str) -> None:
        self._console.say(text)


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
