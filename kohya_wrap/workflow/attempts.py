"""One run, attempt after attempt: start the trainer or find it at work, watch it, judge it, and go on from its last state."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.events import (
    Advice,
    AttemptEnded,
    AttemptStarted,
    CheckpointKept,
    Event,
    Progress,
    RunEnded,
    StateDamaged,
    TrainerFound,
)
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.domain.saving import Saving
from kohya_wrap.engine.locate import Engine
from kohya_wrap.errors import TrainingFailed
from kohya_wrap.host import child, seconds
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training import failure, recover, result, states, supervise
from kohya_wrap.training.end_now import EndNow, Patience, Why
from kohya_wrap.training.failure import Cause
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.keep import Keeper
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.training.supervise import OnEvent
from kohya_wrap.workflow import cut_short
from kohya_wrap.workflow.followed import End, Followed
from kohya_wrap.workflow.launch import Launch
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder

_OURS = (Why.ASKED, Why.REACHED, Why.BUDGET)  # ended by somebody's wish
_EACH_TIME = (RunEnded, TrainerFound)  # of a kohya-wrap, and not of the trainer that it found
_PAST_IT = Advice(
    "the epoch to stop at is done, and so the trainer that was at work was ended; what it had saved is kept.",
    "ended",
)


@dataclass
class Attempts:
    """Attributes:
    given: the config, on the training view.
    until_epoch: None for all of them.
    seconds_left: of the budget, now; None without one.
    """

    job: Job
    given: TrainingConfig
    engine: Engine
    run: RunFolder
    journal: Journal
    env: Mapping[str, str]
    stop: StopRequest
    stop_file: StopFile
    on_event: OnEvent
    until_epoch: int | None = None
    seconds_left: float | None = None
    _events: list[Event] = field(default_factory=list)
    _known: list[Event] = field(default_factory=list)  # told before, of the attempt that was found

    def __post_init__(self) -> None:
        self._events += self.run.events
        self._saving = replace(Saving.of(self.given, self.job.plan.epochs), also=self.until_epoch)
        self._launch = Launch(self.job, self.given, self.engine, self.run, self.env, self._saving)
        # Read before anything is started, so that a wrong one costs nothing.
        self._patience = Patience.from_environment(self.env)
        self._pauses = seconds.pauses(self.env, recover.PAUSES)
        self._began = time.monotonic()

    @property
    def ledger(self) -> Ledger:
        return Ledger.of(self._events)

    def to_the_end(self) -> End:
        """Until it is done, or somebody ends it (End.why says who).

        Raises:
            TrainingFailed: and another attempt would fail as well.
        """
        before = self.ledger
        known = before.attempt or before.probed
        changed = dict(known.changed) if known else {}
        unseen = before.is_unread
        end = self._found() if unseen else self._next(changed)
        while end.code in (0, None) or end.why not in _OURS:  # it may have come to its end all the same
            try:
                self._judge(end)
                return replace(end, why=None)
            except TrainingFailed as failed:
                if end.code is None and end.why in _OURS:
                    return end
                cause = self._cause(end)
                if cause is Cause.SIGNAL and self._is_asked():  # a signal to all, or what was asked for
                    return replace(end, why=Why.ASKED)
                # What ended while nobody watched: cut off with the machine, or on a disk that may have room by now.
                passed = (
                    end.code is None and cause in (Cause.SIGNAL, Cause.OTHER) and end.why is not Why.USELESS
                )
                if not (unseen and passed):
                    again = self._again(end, cause, failed)
                    if again is None:
                        return replace(end, why=Why.BUDGET)
                    changed |= again.changed
            if self._is_asked():  # in the pause: nobody is at work, and what was kept is kept
                return replace(end, why=Why.ASKED)
            if not self.holds_an_epoch():
                return replace(end, why=Why.BUDGET)
            unseen = False
            end = self._next(changed)
        return end

    def _is_asked(self) -> bool:
        return bool(self.stop) or self.stop_file.asks()

    def _cause(self, end: End) -> Cause:
        if end.why is Why.HANGS:
            return Cause.HANG
        return failure.cause(end.seen, end.code, self.run.log, end.attempt.log_from)

    def _again(self, end: End, cause: Cause, failed: TrainingFailed) -> recover.Again | None:
        """What the next attempt changes, once its pause is over; None where the budget does not hold both."""
        config, ours = self._launch.config(end.attempt.changed), self.job.images.configured is None
        again = recover.after(cause, config, self.ledger.failures, batches_are_ours=ours, pauses=self._pauses)
        if again is None:
            failed = recover.given_up(failed, cause, config, self.job.user.path, batches_are_ours=ours)
            may_pass = cause is not Cause.OUT_OF_MEMORY and end.why is not Why.USELESS
            if may_pass and (self.ledger.states or cause in recover.RETRIED):
                raise cut_short.given_up(failed, self.ledger, self.job.user.path)
            raise failed
        if not self.holds_an_epoch(after=again.pause):
            self.tell(AttemptEnded(cause.value, failed.message, recover.too_dear(again)))
            return None
        self.tell(AttemptEnded(cause.value, failed.message, again.action))
        seconds.wait(again.pause, self._is_asked)
        return again

    def _next(self, changed: Mapping[str, Any]) -> End:
        self._known = []
        ledger = self.ledger
        state, damaged = states.newest_whole(ledger.states)
        for one, problem in damaged:
            self.tell(StateDamaged(one.path, problem))
        attempt = self._launch.plan(ledger.attempt.number + 1 if ledger.attempt else 1, state, changed)
        prepared = self._launch.prepare(attempt)
        self.tell(attempt)
        return self._follow(attempt, lambda told: supervise.start(prepared, told))

    def _found(self) -> End:
        """The last attempt, whose end nobody saw: its trainer is at work still, or has left its words in the log."""
        ledger = self.ledger
        assert ledger.attempt is not None
        begun = ledger.trainer
        since = self._events[self._events.index(ledger.attempt) + 1 :]
        self._known = [event for event in since if not isinstance(event, _EACH_TIME)]
        trainer = child.adopt(
            self.run.log, begun.pid if begun else 0, begun.process_started if begun else 0.0
        )
        is_at_work = trainer.running()
        if is_at_work:
            self.tell(TrainerFound(trainer.pid))
        state, _ = states.newest_whole(ledger.states)
        past = self.until_epoch is not None and state is not None and state.epoch >= self.until_epoch
        end = self._follow(ledger.attempt, lambda told: trainer, Why.REACHED if past else None)
        if is_at_work and end.why is Why.REACHED:
            self.tell(_PAST_IT)
        return end

    def _follow(
        self, attempt: AttemptStarted, begin: Callable[[OnEvent], child.Child], why: Why | None = None
    ) -> End:
        """`why`: it is to end at once."""
        end_now = EndNow(
            attempt, self.stop, self.stop_file, self.run.log, self.until_epoch,
            self._patience, self._left(), why,
        )  # fmt: skip
        return Followed(
            self.job, self.run, self._launch, attempt, self._keeper(attempt), end_now, self._events, self.tell
        ).to_its_end(begin)

    def holds_an_epoch(self, after: float = 0.0) -> bool:
        """Whether the budget does, so many seconds from now: less gains nothing."""
        left = self._left()
        return left is None or left - after > self.ledger.epoch_seconds

    def _keeper(self, attempt: AttemptStarted) -> Keeper:
        folder = self.run.attempt(attempt.number).resolve()
        on_record = {event.path for event in self._known if isinstance(event, CheckpointKept)}
        return Keeper(attempt, folder, self._output, self._name, self._saving, on_record)

    def _left(self) -> float | None:
        """Of the budget, for what follows."""
        return None if self.seconds_left is None else self.seconds_left - (time.monotonic() - self._began)

    def _judge(self, end: End) -> None:
        """Raises TrainingFailed."""
        name = f"{self._name}.{self.given.get('save_model_as')}"
        made = self.run.attempt(end.attempt.number) / name
        if end.why is Why.HANGS:
            raise failure.hangs(end.seen, self.run.log)
        result.judge(
            made, end.seen, end.code,
            log=self.run.log, log_from=end.attempt.log_from, config=self.job.user.path,
        )  # fmt: skip
        kept = self._output / name
        told = self._keeper(end.attempt).keep(made, kept)
        if self.job.asked.values.get("save_state") or self.given.get("save_state_on_train_end"):
            self._keep_state(made.with_name(f"{self._name}-state"))
        self.tell(told)

    def _keep_state(self, made: Path) -> None:
        """Somebody asked for states: the last one stands beside the LoRA."""
        target = self._output / made.name
        if made.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.move(made, target)

    def tell(self, event: Event) -> None:
        """Once: the log of a trainer that was found at work is read from its beginning."""
        if self._is_known(event):
            return
        self.journal.write(event)
        self._events.append(event)
        self.on_event(event)

    def _is_known(self, event: Event) -> bool:
        if isinstance(event, Progress):  # which the bar may have shown at other moments
            return any(isinstance(one, Progress) and one.step >= event.step for one in self._known)
        return event in self._known

    @property
    def _output(self) -> Path:
        return Path(self.given.get("output_dir"))

    @property
    def _name(self) -> str:
        return str(self.given.get("output_name"))
