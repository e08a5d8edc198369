"""What a run's events amount to over all its attempts: how far it is, and from where it can go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kohya_wrap.domain.events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointKept,
    Event,
    Probed,
    Progress,
    RunEnded,
    StateKept,
    Supervised,
    TrainerEnded,
    TrainerStarted,
)


@dataclass(frozen=True)
class Ledger:
    """Attributes:
    attempt: the last one; None before the first.
    states: those that were found whole, oldest first; whether they still are, the disk knows.
    checkpoints: kept files, oldest first.
    hashes: the sha256 of each, as it was last kept; none of those whose record has none.
    progress: the last step, whatever attempt did it.
    failures: attempts of this command that ended since a state was kept: they gained nothing.
    trainer: of the last attempt; `trainer_ended` where somebody saw its end, `judged` where what it came to was said.
    outcome: how the run ended; empty while it has not.
    probed: what a probe before the first attempt found.
    """

    attempt: AttemptStarted | None = None
    states: tuple[StateKept, ...] = ()
    checkpoints: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    progress: Progress | None = None
    failures: tuple[AttemptEnded, ...] = ()
    trainer: TrainerStarted | None = None
    trainer_ended: bool = False
    judged: bool = False
    supervisor: Supervised | None = None
    outcome: str = ""
    probed: Probed | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Ledger:
        facts: dict[str, object] = {}
        states: list[StateKept] = []
        checkpoints: list[str] = []
        hashes: dict[str, str] = {}
        failures: list[AttemptEnded] = []
        for event in events:
            if isinstance(event, AttemptStarted):
                facts |= {"attempt": event, "outcome": "", "trainer": None}
                facts |= {"trainer_ended": False, "judged": False}
            elif isinstance(event, StateKept):
                states.append(event)
                failures.clear()
            elif isinstance(event, CheckpointKept):
                checkpoints.append(event.path)
                hashes[event.path] = event.sha256
            elif isinstance(event, Progress):
                facts["progress"] = event
            elif isinstance(event, AttemptEnded):
                failures.append(event)
                facts["judged"] = True
            elif isinstance(event, TrainerStarted):
                facts["trainer"] = event
            elif isinstance(event, TrainerEnded):
                facts["trainer_ended"] = True
            elif isinstance(event, Supervised):
                facts |= {"supervisor": event, "outcome": ""}
                failures.clear()  # somebody has decided that it is worth another try
            elif isinstance(event, Probed):
                facts["probed"] = event
            elif isinstance(event, RunEnded):
                facts |= {"outcome": event.outcome, "judged": not event.unread}
        return cls(
            states=tuple(states),
            checkpoints=tuple(dict.fromkeys(checkpoints)),
            hashes={path: sha256 for path, sha256 in hashes.items() if sha256},
            failures=tuple(failures),
            **facts,  # type: ignore[arg-type]
        )

    @property
    def epoch_seconds(self) -> float:
        """Of an epoch, at the pace it had; 0.0 where that is not known."""
        seen, attempt = self.progress, self.attempt
        if seen is None or attempt is None or not attempt.is_settled(seen.step):
            return 0.0
        return (seen.seconds_per_step or 0.0) * attempt.steps_per_epoch

    @property
    def is_done(self) -> bool:
        return self.outcome == "done"

    @property
    def is_unread(self) -> bool:
        """What its last trainer said and saved up to its end, nobody has written down, or not all: it may be at work still."""
        return self.attempt is not None and not (self.trainer_ended and self.judged)

    def has_reached(self, epoch: int | None) -> bool:
        """Whether that epoch was done when a state was kept; None: all of them, which no state holds."""
        return epoch is not None and bool(self.states) and self.states[-1].epoch >= epoch
