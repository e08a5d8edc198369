"""One attempt at work: each event told, what it saves kept, what goes wrong unsaid said, until it ends or is ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from kohya_wrap.domain import steps
from kohya_wrap.domain.calibration import Measured
from kohya_wrap.domain.events import (
    Advice,
    AttemptStarted,
    Event,
    FewerProcesses,
    PlanSeen,
    Progress,
    StateKept,
    TrainerEnded,
)
from kohya_wrap.host import child
from kohya_wrap.host.gpu_meter import GpuMeter
from kohya_wrap.training import states, supervise
from kohya_wrap.training.end_now import EndNow, Why
from kohya_wrap.training.keep import Keeper
from kohya_wrap.training.output import OutputReader
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.supervise import OnEvent
from kohya_wrap.training.watchdog import Watchdog
from kohya_wrap.workflow import gauge
from kohya_wrap.workflow.gauge import Gauge
from kohya_wrap.workflow.launch import Launch
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder

_LONG_EPOCH = 600.0  # seconds
_SETTLED = 20  # steps after which the pace is believed


@dataclass(frozen=True)
class End:
    """What became of one attempt.

    Attributes:
        code: the launcher's; None where nobody saw it.
        why: None where the trainer ended by itself.
        measured: what its steps took; None where that is not to be known.
    """

    attempt: AttemptStarted
    seen: Seen
    code: int | None
    why: Why | None
    measured: Measured | None = None

    @property
    def steps(self) -> int:
        """Optimizer steps that were done, over all attempts."""
        return max(self.attempt.steps_done, self.seen.steps)


@dataclass
class Followed:
    """Attributes:
    events: of the run, over all attempts; `tell` adds to them.
    """

    job: Job
    run: RunFolder
    launch: Launch
    attempt: AttemptStarted
    keeper: Keeper
    end_now: EndNow
    events: Sequence[Event]
    tell: OnEvent

    def to_its_end(self, begin: Callable[[OnEvent], child.Child]) -> End:
        """`begin` starts the trainer, or has found it at work."""
        self.run.log.touch()
        mine: list[Event] = []
        meter = GpuMeter(self.job.gpus[0]) if self.job.gpus else None
        watchdog = Watchdog(self.keeper.output, self.run.path, meter)
        gauged = self._gauged()

        def told(event: Event) -> None:
            for kept in self.keeper.ended() if isinstance(event, TrainerEnded) else self.keeper.seen(event):
                told(kept)
            for one in (event, *self._fewer(event)):
                mine.append(one)
                self.tell(one)
                self.end_now.told(one)
            if isinstance(event, StateKept):
                states.prune([one for one in self.events if isinstance(one, StateKept)])
            self._advise(self._long_epoch(event))
            self._advise(watchdog.told(event))
            self._advise(gauged.told(event) if gauged else ())

        def ends() -> bool:
            self._advise(watchdog())
            return self.end_now()

        attempt = self.attempt
        trainer = begin(told)
        reader = OutputReader(self.keeper.folder, self.keeper.name, attempt.steps_done, attempt.more_steps)
        with meter or nullcontext():
            code = supervise.watch(trainer, attempt.log_from, reader, ends, told)
        measured = gauged.measured(meter.peak if meter else None) if gauged else None
        return End(attempt, Seen.of(mine), code, self.end_now.why, measured)

    def _gauged(self) -> Gauge | None:
        try:
            return gauge.of(self.launch, self.attempt)
        except Exception as error:  # a mistake of ours in what is only said beside: no training ends for it
            what = f"{type(error).__name__}: {error}"
            self._advise(
                [
                    Advice(
                        f"this run is not held against its plan ({what}), which is a bug of kohya-wrap.",
                        "calibration",
                    )
                ]
            )
            return None

    def _fewer(self, event: Event) -> Iterator[FewerProcesses]:
        processes = self.attempt.processes
        if processes > 1 and isinstance(event, PlanSeen) and event.label == "batches_per_epoch":
            expected = self.launch.batches_of_each(self.attempt)
            if event.value != expected:
                yield FewerProcesses(processes, event.value, expected)

    def _advise(self, advice: Iterable[Advice]) -> None:
        for one in advice:
            if not any(isinstance(told, Advice) and told.about == one.about for told in self.events):
                self.tell(one)

    def _long_epoch(self, event: Event) -> Iterator[Advice]:
        """An epoch is what a lost machine can cost."""
        if not isinstance(event, Progress) or event.step != self.attempt.steps_done + _SETTLED:
            return
        seconds = (event.seconds_per_step or 0) * self.attempt.steps_per_epoch
        if seconds <= _LONG_EPOCH:
            return
        long = f"an epoch takes {seconds / 60:.0f} minutes, and so much is lost with the machine."
        repeats = [subset.repeats for subset in self.job.images.train.subsets if subset.images]
        by = steps.shorter_epoch(repeats, math.ceil(seconds / _LONG_EPOCH))
        if by is not None:
            epochs = self.job.plan.epochs * by
            long += f" Another time: all repeats divided by {by} and max_train_epochs = {epochs}, for the same passes."
        yield Advice(long, "long-epoch")
