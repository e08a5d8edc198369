"""Every event that is written can be read again, and what they amount to."""

from __future__ import annotations

import json
import math

import pytest

from kohya_wrap.domain import events
from kohya_wrap.domain.events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointKept,
    Event,
    Progress,
    RunEnded,
    StateKept,
    Supervised,
    TrainerEnded,
    TrainerStarted,
)
from kohya_wrap.domain.ledger import Ledger

ATTEMPT = AttemptStarted(2, 3, 15, 15, 5, "/r/attempts/1/lo-000003-state", 900, {"train_batch_size": 1})


@pytest.mark.parametrize(
    "event",
    [
        ATTEMPT,
        TrainerStarted(7, 1.5, ("accelerate", "launch")),
        TrainerEnded(None, 2.5),
        Progress(3, 50, 0.25, None, 1),
        StateKept("/r/s", 3, 15),
        RunEnded("done", "", ("a", "b")),
    ],
)
def test_back_from_the_journal(event: Event) -> None:
    assert events.from_dict(json.loads(json.dumps({"time": 1.0, **event.as_dict()}))) == event


def test_nan_comes_back_and_what_is_unknown_is_left_out() -> None:
    read = events.from_dict({**Progress(1, 2, 0.0, None, 1).as_dict(), "loss": "nan"})
    assert isinstance(read, Progress) and read.loss is not None and math.isnan(read.loss)
    assert events.from_dict({"event": "OfANewerVersion", "time": 1.0}) is None


def test_the_ledger_over_two_attempts() -> None:
    first = AttemptStarted(1, 0, 0, 0, 5, "", 0, {})
    told = [
        Supervised(1, 0.0), first, TrainerStarted(7, 1.0, ()), Progress(15, 50, 0.2, 1.0, 3),
        CheckpointKept("c2"), StateKept("s2", 2, 10), StateKept("s3", 3, 15), TrainerEnded(1, 9.0),
        AttemptEnded("out of memory", "x", "y"), ATTEMPT, TrainerStarted(9, 2.0, ()),
    ]  # fmt: skip
    ledger = Ledger.of(told)
    assert (ledger.attempt, ledger.trainer, ledger.trainer_ended) == (ATTEMPT, told[-1], False)
    assert ([state.epoch for state in ledger.states], ledger.checkpoints) == ([2, 3], ("c2",))
    assert len(ledger.failures) == 1 and ledger.outcome == ""
    assert Ledger.of([*told, StateKept("s4", 4, 20)]).failures == ()
    assert Ledger.of([*told, Supervised(2, 0.0)]).failures == (), "of another command"
    ended = [*told, TrainerEnded(0, 1.0), RunEnded("stopped", "", ())]
    assert (Ledger.of(ended).trainer_ended, Ledger.of(ended).outcome) == (True, "stopped")
    assert Ledger.of([*ended, Supervised(2, 0.0)]).outcome == ""


@pytest.mark.parametrize(
    ("steps_per_epoch", "step", "seconds"), [(100, 9, 0.0), (100, 10, 200.0), (5, 4, 0.0), (5, 5, 10.0)]
)
def test_how_long_an_epoch_takes_is_known_when_the_pace_is_believed(
    steps_per_epoch: int, step: int, seconds: float
) -> None:
    """The first steps are slower than the rest: a cap is not ended by them."""
    resumed = AttemptStarted(2, 3, 300, 300, steps_per_epoch, "", 0, {})
    assert Ledger.of([resumed]).epoch_seconds == 0
    assert Ledger.of([resumed, Progress(300 + step, 999, 0.1, 2.0, 4)]).epoch_seconds == seconds
