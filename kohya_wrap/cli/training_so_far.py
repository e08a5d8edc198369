"""What the events of a run amount to for who looks at it: one frozen value at any moment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kohya_wrap.domain import loss
from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    Event,
    Progress,
    Supervised,
    TrainerFound,
    TrainerStarted,
    Validated,
)
from kohya_wrap.domain.loss import Range, Trend
from kohya_wrap.host.gpu_meter import GpuUse
from kohya_wrap.workflow.prepare import Job


@dataclass(frozen=True)
class Shown:
    """Attributes:
    doing: in words, until the first step is done; empty then.
    epoch: 1-based, 0 before the first.
    elapsed, eta: seconds; of all attempts so far, and to the last step.
    losses: the engine's averages, step by step.
    expected: the guide's range; None where it does not hold, and `rescaled_by` says why.
    dollars: so far, and when the last step is done.
    checkpoint: a file's name.
    validated: the loss of the images set aside, by epoch; empty where there are none.
    """

    name: str
    rehearsal: bool
    steps: int
    epochs: int
    doing: str = "starting"
    step: int = 0
    epoch: int = 0
    seconds_per_step: float | None = None
    elapsed: float = 0.0
    eta: float | None = None
    losses: tuple[float, ...] = ()
    expected: Range | None = None
    rescaled_by: str = ""
    trend: Trend = Trend.UNKNOWN
    gpu: GpuUse | None = None
    dollars: tuple[float, float | None] | None = None
    checkpoint: str = ""
    validated: Mapping[int, float] = field(default_factory=dict)


class SoFar:
    """Takes the events; `shown` may be asked from another thread."""

    def __init__(self, job: Job, price: float | None) -> None:
        rehearsal = job.engine_kind == "rehearsal"
        self._shown = Shown(
            str(job.config.get("output_name")), rehearsal, job.plan.steps, job.plan.epochs,
            rescaled_by=loss.rescaled_by(job.config),
        )  # fmt: skip
        self._budget = Budget(price)
        self._began = time.monotonic()
        self._last = self._began  # when the last step was done
        self._averages: dict[int, float] = {}  # step -> loss
        self._epochs: dict[int, float] = {}  # epoch -> loss at its end, or as far as it is

    def on_event(self, event: Event) -> None:
        now = self._shown
        if isinstance(event, Supervised):
            self._began = time.monotonic() - event.spent
        elif isinstance(event, AttemptStarted):
            self._shown = self._again_from(event)
        elif isinstance(event, TrainerStarted):
            self._shown = replace(now, doing="loading the base model")
        elif isinstance(event, TrainerFound):
            self._shown = replace(now, doing="watching the trainer that is at work")
        elif isinstance(event, CheckpointKept):
            self._shown = replace(now, checkpoint=Path(event.path).name)
        elif isinstance(event, Validated):
            self._shown = replace(now, validated={**now.validated, event.epoch: event.loss})
        elif isinstance(event, Progress):
            self._shown = self._further(event)

    def shown(self, gpu: GpuUse | None = None) -> Shown:
        """As it is now: clocks go on between two steps."""
        found, now = self._shown, time.monotonic()
        elapsed = now - self._began
        eta = None if found.eta is None else max(0.0, found.eta - (now - self._last))
        dollars = self._budget.dollars(elapsed)
        in_all = None if eta is None else self._budget.dollars(elapsed + eta)
        money = None if dollars is None else (dollars, in_all)
        return replace(found, elapsed=elapsed, eta=eta, dollars=money, gpu=gpu)

    def _again_from(self, event: AttemptStarted) -> Shown:
        """What follows the last state is done once more."""
        self._averages = {step: value for step, value in self._averages.items() if step <= event.steps_done}
        self._epochs = {epoch: value for epoch, value in self._epochs.items() if epoch <= event.epochs_done}
        return replace(
            self._shown, doing="starting", step=event.steps_done, epoch=event.epochs_done, eta=None,
            losses=tuple(self._averages.values()),
        )  # fmt: skip

    def _further(self, event: Progress) -> Shown:
        now, self._last = self._shown, time.monotonic()
        if event.loss is not None:
            self._averages[event.step] = self._epochs[event.epoch] = event.loss
        pace = event.seconds_per_step
        return replace(
            now, doing="", step=event.step, steps=event.total, epoch=event.epoch, seconds_per_step=pace,
            eta=None if pace is None else (event.total - event.step) * pace,
            losses=tuple(self._averages.values()),
            expected=None if now.rescaled_by else loss.expected(event.epoch),
            trend=self._trend(event),
        )  # fmt: skip

    def _trend(self, event: Progress) -> Trend:
        """By whole epochs, where the first of them was seen."""
        whole = [value for epoch, value in sorted(self._epochs.items()) if epoch < event.epoch]
        return loss.trend(whole) if 1 in self._epochs else Trend.UNKNOWN
