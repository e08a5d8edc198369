"""A training on the screen: a live panel in a terminal, the guide's plain lines in a log."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.console import Console
from kohya_wrap.cli.training_so_far import SoFar
from kohya_wrap.domain import loss, warning
from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    Event,
    Probed,
    Progress,
    TrainerFound,
    TrainerStarted,
    Unfit,
    Validated,
)
from kohya_wrap.domain.wording import clock
from kohya_wrap.host.gpu_meter import GpuMeter
from kohya_wrap.workflow.prepare import Job

if TYPE_CHECKING:
    from rich.live import Live

_LINES = 20  # about so many in a log, whatever the length
_SILENCE = 60.0  # seconds after which a line is due anyway
_REDRAWN = 2.0  # times a second: at that, drawing costs less than 1 % of a core


class TrainingDisplay:
    """Shows events; a lost terminal must not end a training, so its errors are swallowed here alone."""

    def __init__(self, console: Console, job: Job, dollars_per_hour: float | None) -> None:
        self._console = console
        self._so_far = SoFar(job, dollars_per_hour)
        self._said_step, self._said_at = 0, time.monotonic()
        gpu = job.machine.gpu if job.engine_kind == "real" else None
        self._meter = GpuMeter(gpu.uuid) if gpu else None
        self._live: Live | None = None

    def __enter__(self) -> TrainingDisplay:
        if self._console.live and not self._console.out.is_dumb_terminal:
            from rich.live import Live

            from kohya_wrap.cli.training_panel import TrainingPanel

            if self._meter is not None:
                self._meter.start()

            def panel() -> TrainingPanel:
                return TrainingPanel(self._so_far.shown(self._meter.latest if self._meter else None))

            self._live = Live(get_renderable=panel, console=self._console.out, refresh_per_second=_REDRAWN)
            with suppress(OSError):
                self._live.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()
        if self._meter is not None:
            self._meter.stop()

    def on_event(self, event: Event) -> None:
        self._so_far.on_event(event)
        with suppress(OSError):
            self._show(event)

    def _show(self, event: Event) -> None:
        if isinstance(event, TrainerStarted):
            self._line(f"engine started (pid {event.pid}), loading the base model")
        elif isinstance(event, Progress):
            if self._live is None and self._due(event):
                self._line(self._guides_line(event))
        elif isinstance(event, Validated):
            self._line(f"validation loss {loss.validation(self._so_far.shown().validated)}")
        elif isinstance(event, CheckpointKept):
            self._line(f"saved {Path(event.path).name}")
        elif isinstance(event, AttemptStarted):
            if event.epochs_done:
                self._line(f"going on after epoch {event.epochs_done}")
        elif isinstance(event, Probed):
            width, height = event.size
            self._line(f"the hardest batch fits: {event.images} of {width}x{height}")
        elif isinstance(event, TrainerFound):
            self._line(f"the trainer is still at work (pid {event.pid}): watching it")
        elif not isinstance(event, Unfit) and (words := warning.in_words(event)):
            self._line(words)  # of a file that is of no use, the error tells

    def _guides_line(self, event: Progress) -> str:
        """The guide's first, then what it does not show."""
        shown = self._so_far.shown()
        pace = f"{event.seconds_per_step:.2f} s/step" if event.seconds_per_step is not None else ""
        tail = f"{pace}, ETA {'?' if shown.eta is None else clock(shown.eta)}"
        if shown.dollars is not None:
            tail += f", ${shown.dollars[0]:.2f}"
        return f"epoch {event.epoch}/{shown.epochs}, step {event.step}/{event.total}, loss={event.loss:.3g}, {tail}"

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

    def _line(self, text: str) -> None:
        self._console.say(text)
