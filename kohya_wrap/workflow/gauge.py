"""A run held against its plan: said once where a step takes twice or half as long, and kept for plans to come when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from kohya_wrap import __version__
from kohya_wrap.domain.calibration import Estimate, Measured
from kohya_wrap.domain.events import Advice, AttemptStarted, Event, Progress
from kohya_wrap.domain.memory import Load
from kohya_wrap.domain.stopwatch import Stopwatch
from kohya_wrap.domain.wording import clock, counted
from kohya_wrap.places import Places
from kohya_wrap.plan import calibration as file
from kohya_wrap.workflow import calibrated, memory_load
from kohya_wrap.workflow.launch import Launch

_STEPS = 50  # of an attempt, after which its pace is held against the plan


@dataclass
class Gauge:
    """Of one attempt, with what a rung of the ladder has changed.

    Attributes:
        micro_batches: of a step.
        price: dollars an hour; None where none is known.
    """

    attempt: AttemptStarted
    load: Load
    gpu: str
    plan: Estimate
    micro_batches: float
    price: float | None
    watch: Stopwatch
    _is_compared: bool = False

    def told(self, event: Event) -> Iterator[Advice]:
        self.watch.told(event, time.monotonic())
        if self._is_compared or not isinstance(event, Progress):
            return
        if event.step - self.attempt.steps_done < _STEPS or (seconds := self._seconds) is None:
            return
        self._is_compared = True
        if self.plan.is_off(seconds):
            yield self._off(seconds, event.total)

    def _off(self, seconds: float, steps: int) -> Advice:
        now, said = seconds * self.micro_batches, self.plan.seconds * self.micro_batches
        by = f"by {counted(len(self.plan.runs), 'measured run')}" if self.plan.runs else "uncalibrated"
        dollars = "" if self.price is None else f" (${now * steps / 3600 * self.price:.2f})"
        return Advice(
            f"a step takes {now:.2g} s, and the plan said {said:.2g} ({by}): {counted(steps, 'step')} take "
            f"{clock(now * steps)}{dollars} in all, not {clock(said * steps)}.",
            "off-plan",
        )

    @property
    def _seconds(self) -> float | None:
        """Of a micro-batch."""
        step = self.watch.seconds
        return None if step is None else step / self.micro_batches

    def measured(self, peak: int | None) -> Measured | None:
        """None where too few steps were seen."""
        seconds = self._seconds
        if seconds is None:
            return None
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        # Four digits say more than was measured.
        return Measured(
            self.load, self.gpu, float(f"{seconds:.4g}"), peak, self.watch.steps, when, __version__
        )


def of(launch: Launch, attempt: AttemptStarted) -> Gauge | None:
    """None where nothing is measured: a rehearsal, a CPU, several cards at once, a card that another's preset stands for."""
    job, preset, card = launch.job, launch.job.machine.preset, launch.job.machine.gpu
    if launch.engine.kind != "real" or len(job.gpus) != 1 or preset.tflops is None:
        return None
    if card is None or card.name not in preset.nvml:
        return None
    config = launch.config(attempt.changed)
    load = memory_load.of(config, job.images, job.family.name)
    known, _ = calibrated.runs(Places.from_environment(launch.env))
    price = launch.run.about.get("price_per_hour")
    return Gauge(
        attempt=attempt,
        load=load,
        gpu=preset.name,
        plan=calibrated.estimate(load, preset, known),
        micro_batches=launch.batches_of_each(attempt) / attempt.steps_per_epoch,
        price=None if price is None else float(price),
        watch=Stopwatch(attempt, config.get("sample_every_n_steps") or 0),
    )


def keep(measured: Measured | None, places: Places) -> Iterator[Advice]:
    """For plans to come; the run is done all the same."""
    if measured is None:
        return
    try:
        file.append(places.calibration, [measured])
    except OSError as error:
        yield Advice(
            f"what this run took is not on record for `plan`: {places.calibration}: {error.strerror}.",
            "calibration",
        )
