"""--probe: two steps on the images that need the most memory, and one sample, before the hours begin.

A card that cannot take the largest bucket says so only when that bucket comes, in the middle of an epoch, and what
draws samples needs more memory than what trains.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kohya_wrap.domain import buckets, validation
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.events import AttemptEnded, Event, Probed
from kohya_wrap.domain.saving import Saving
from kohya_wrap.engine.locate import Engine
from kohya_wrap.host import seconds
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Project
from kohya_wrap.training import failure, recover, supervise
from kohya_wrap.training.end_now import EndNow, Patience, Why
from kohya_wrap.training.failure import Cause
from kohya_wrap.training.output import OutputReader
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import bucketing, cached_with, run_folder, training_view
from kohya_wrap.workflow.launch import Launch
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder

_STEPS = 2  # the second has the optimizer's state too
_SAMPLED = ("sample_every_n_epochs", "sample_every_n_steps", "sample_at_first")
_OWN = {
    "max_train_epochs": None,
    "max_train_steps": _STEPS,
    "lr_warmup_steps": 0,
    "logging_dir": None,
    "log_with": None,
    "validation_split": None,
    "huggingface_repo_id": None,
    "resume": None,
    **dict.fromkeys(_SAMPLED),
}


def end_left_over(project: Project, output_name: str) -> bool:
    """A kohya-wrap that was killed leaves its probe at work, which nobody needs; whether there was one.

    To be called by who alone may train `output_name`.
    """
    left = [
        run
        for run in run_folder.of_name(project, output_name)
        if run.probe.path.is_dir() and run.probe.is_at_work()
    ]
    for run in left:
        run.probe.end_trainers()
    return bool(left)


@dataclass(frozen=True)
class Probe:
    """Attributes:
    config: the run's, before it is on a view.
    run: its folder, in which the probe has one of its own until it is done.
    """

    job: Job
    config: TrainingConfig
    engine: Engine
    run: RunFolder
    env: Mapping[str, str]
    stop: StopRequest
    stop_file: StopFile

    def fit(self, tell: Callable[[Event], None], left: float | None) -> Why | None:
        """Go down the rungs until it fits, and tell what the run needs otherwise than its config. A crash or a hang may
        pass, as in the run itself.

        Returns:
            Who ended it before; None where nobody did.

        Args:
            left: seconds of the budget.

        Raises:
            TrainingFailed: it would fail, for another reason or with nothing left to change.
        """
        changed: dict[str, Any] = {}
        failures: list[AttemptEnded] = []
        pauses = seconds.pauses(self.env, recover.PAUSES)
        until = math.inf if left is None else time.monotonic() + left
        size, passes = self._hardest()
        folder, file = self.run.probe, self.job.user.path
        folder.path.mkdir(exist_ok=True)
        try:
            while True:
                seen, code, why = self._attempt(folder, size, changed, until - time.monotonic())
                if why in (Why.ASKED, Why.BUDGET):
                    return why
                if code == 0 and seen.steps >= _STEPS:
                    tell(Probed(size, min(passes, self._batch(changed)), changed))
                    return None if time.monotonic() < until else Why.BUDGET
                config = self._launch(folder, changed).config(changed)
                if why is Why.HANGS:
                    cause, failed = Cause.HANG, failure.hangs(seen, folder.log)
                else:
                    cause = failure.cause(seen, code, folder.log, 0)
                    failed = failure.explain(seen, code, folder.log, 0, file)
                again = recover.after(cause, config, failures, batches_are_ours=True, pauses=pauses)
                if again is None:
                    raise recover.given_up(failed, cause, config, file, batches_are_ours=True)
                holds = time.monotonic() + again.pause < until
                action = again.action if holds else recover.too_dear(again)
                failures.append(AttemptEnded(cause.value, f"The probe: {failed.message}", action))
                tell(failures[-1])
                if not holds:
                    return Why.BUDGET
                seconds.wait(again.pause, self._is_asked)
                if self._is_asked():
                    return Why.ASKED
                changed |= again.changed
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)

    def _is_asked(self) -> bool:
        return bool(self.stop) or self.stop_file.asks()

    def _batch(self, changed: Mapping[str, Any]) -> int:
        batch: int = changed.get("train_batch_size") or self.config.get("train_batch_size", 1)
        return batch

    def _hardest(self) -> tuple[Size, int]:
        """The bucket whose fullest batch has the most pixels, and its image passes in an epoch."""
        trained = validation.trained(self.job.images.train, self.config)
        filled = buckets.fill(bucketing.rule(self.config), trained.sized())
        batch = self._batch({})
        return max(filled.items(), key=lambda item: (item[0][0] * item[0][1] * min(item[1], batch), item))

    def _images(self, size: Size) -> Inventory:
        rule = bucketing.rule(self.config)
        among = buckets.candidates(rule) if rule.enabled and not rule.no_upscale else None
        train = validation.trained(self.job.images.train, self.config)
        subsets = (
            replace(s, images=tuple(i for i in s.images if buckets.select(rule, i.facts.size, among) == size))
            for s in train.subsets
        )
        return replace(train, subsets=tuple(subset for subset in subsets if subset.images))

    def _attempt(
        self, folder: RunFolder, size: Size, changed: Mapping[str, Any], left: float
    ) -> tuple[Seen, int | None, Why | None]:
        own = dict(_OWN)
        if any(self.config.get(name) for name in _SAMPLED):
            own["sample_at_first"] = True
        config = self.config.with_layer(Layer(Origin.HARDWARE, own, "the probe"))
        with_caches = cached_with.of(config, self.job.family, self.engine)
        parts, place = training_view.of_folders({"train_data_dir": self._images(size)}, config, with_caches)
        folder.log.unlink(missing_ok=True)
        with training_view.standing(self.job.project, folder.path, config, parts, place) as on_view:
            launch = replace(self._launch(folder, changed), given=on_view.config)
            attempt = launch.plan(1, None, changed)
            prepared = launch.prepare(attempt)
            folder.log.touch()
            mine: list[Event] = []
            end_now = EndNow(
                attempt, self.stop, self.stop_file, folder.log, None, Patience.from_environment(self.env), left
            )  # fmt: skip
            reader = OutputReader(folder.attempt(1).resolve(), str(config.get("output_name")), 0)

            def told(event: Event) -> None:
                mine.append(event)
                end_now.told(event)

            def ends() -> bool:
                return self._is_asked() or end_now()  # a probe has no state to wait for

            code = supervise.watch(supervise.start(prepared, told), 0, reader, ends, told)
        return Seen.of(mine), code, Why.ASKED if self._is_asked() else end_now.why

    def _launch(self, folder: RunFolder, changed: Mapping[str, Any]) -> Launch:
        return Launch(self.job, self.config, self.engine, folder, self.env, Saving())
