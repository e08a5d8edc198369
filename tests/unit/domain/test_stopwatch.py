"""What steps took, from looks at a log two seconds apart."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointSaved,
    EpochStarted,
    Event,
    Progress,
    StateSaved,
    TrainerStarted,
    Validated,
)
from kohya_wrap.domain.stopwatch import Stopwatch

LOOK = 2.0
PER_EPOCH = 300


def seen(happened: list[tuple[float, Event]], watch: Stopwatch, *, was_started: bool = True) -> Stopwatch:
    """Each event is told at the next look."""
    if was_started:
        watch.told(TrainerStarted(1, 0.0, ()), 0.0)
    for when, event in happened:
        watch.told(event, -(-when // LOOK) * LOOK)
    return watch


def training(
    pace: float, steps: int, *between: Event, lasts: float = 0.0, every: int = PER_EPOCH, first: int = 0
) -> list[tuple[float, Event]]:
    """`between` happen after every so many steps, and take so long; the first ten steps are slow."""
    now, happened = 5.0, []
    for step in range(first + 1, first + steps + 1):
        now += pace * (5 if step - first <= 10 else 1)
        happened.append((now, Progress(step, 9999, 0.1, pace, 1)))
        if step % every == 0:
            happened += [(now + 0.01, event) for event in between[:1]]
            now += lasts
            happened += [(now, event) for event in between[1:]]
    return happened


def watch(**attempt: int) -> Stopwatch:
    values = {"epochs_done": 0, "steps_done": 0, "first_step": 0, **attempt}
    return Stopwatch(
        AttemptStarted(number=1, steps_per_epoch=PER_EPOCH, state="", log_from=0, changed={}, **values)
    )


@pytest.mark.parametrize("pace", [0.02, 0.09, 0.3, 1.0, 7.3])
def test_within_a_few_percent_whatever_the_pace(pace: float) -> None:
    found = seen(training(pace, 900), watch())
    assert found.seconds == pytest.approx(pace, rel=0.05)
    assert found.steps > 600


@pytest.mark.parametrize(
    "between",
    [
        (CheckpointSaved("x"), StateSaved("x"), EpochStarted(2, 9)),
        (CheckpointSaved("x"),),
        (EpochStarted(2, 9), Validated(1, 0.1)),
    ],
    ids=["saved and drawn", "saved", "validated"],
)
def test_what_is_done_between_the_steps_does_not_count(between: tuple[Event, ...]) -> None:
    """After every twenty steps, longer than they: of windows that hold one there are more than of others."""
    found = seen(training(0.5, 300, *between, lasts=40.0, every=20), watch())
    assert found.seconds == pytest.approx(0.5, rel=0.06)


def test_samples_that_the_log_does_not_tell_of() -> None:
    happened = training(0.5, 300, lasts=40.0, every=20)
    told = watch()
    told.drawn_every = 20
    assert seen(happened, told).seconds == pytest.approx(0.5, rel=0.06)


def test_of_a_resumed_attempt_its_own_steps() -> None:
    found = seen(training(0.3, 900, first=600), watch(epochs_done=2, steps_done=600, first_step=600))
    assert found.seconds == pytest.approx(0.3, rel=0.05)


def test_of_one_that_was_found_at_work_nothing() -> None:
    found = seen(training(0.3, 900), watch(), was_started=False)
    assert (found.seconds, found.steps) == (None, 0)


def test_too_few_steps_are_no_pace() -> None:
    assert seen(training(1.0, 30), watch()).seconds is None
    assert seen(training(1.0, 60), watch()).seconds == pytest.approx(1.0, rel=0.15)
