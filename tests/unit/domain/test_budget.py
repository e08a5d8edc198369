from __future__ import annotations

import pytest

from kohya_wrap.domain.budget import Budget, set_up, spent, spent_together
from kohya_wrap.domain.events import (
    Advice,
    Afterwards,
    AttemptStarted,
    EpochStarted,
    Event,
    Progress,
    RunEnded,
    Supervised,
)


@pytest.mark.parametrize(
    ("within", "seconds"),
    [
        (Budget(), None),
        (Budget(price=0.5), None),
        (Budget(price=0.5, max_cost=1.0), 7200.0),
        (Budget(max_hours=1.5), 5400.0),
        (Budget(0.5, 1.0, 1.5), 5400.0),
        (Budget(0.5, 0.1, 1.5), 720.0),
        (Budget(max_cost=1.0), None),
    ],
)
def test_the_nearer_cap_counts(within: Budget, seconds: float | None) -> None:
    assert within.seconds == (None if seconds is None else pytest.approx(seconds))


def test_dollars() -> None:
    assert Budget().dollars(3600) is None
    assert Budget(price=0.69).dollars(1800) == pytest.approx(0.345)


STARTED, STEP, END = Supervised(1, 0.0), EpochStarted(1, 2), RunEnded("stopped", "", ())
THEN, ADVICE = Afterwards("true", True, "done"), Advice("other images", "images")


@pytest.mark.parametrize(
    ("timed", "seconds"),
    [
        ([], 0),
        ([(10, STARTED), (15, STEP), (40, END)], 30),
        ([(10, STARTED), (40, END), (500, STARTED), (510, STEP)], 40),
        ([(10, STARTED), (40, STEP), (500, Supervised(2, 0.0, 490.0)), (510, END)], 500),
        ([(10, STARTED), (40, STEP), (500, Supervised(2, 0.0, 100.0)), (510, END)], 110),
        ([(10, Supervised(1, 0.0, 60.0)), (40, STEP)], 90),
        ([(10, STARTED), (40, END), (55, THEN), (500, THEN)], 30),
        (
            [
                (10, STARTED),
                (40, END),
                (55, THEN),
                (500, ADVICE),
                (501, Supervised(2, 0.0, 30.0)),
                (511, END),
            ],
            40,
        ),
    ],
    ids=[
        "nothing",
        "one",
        "the gap of a stopped one is not counted",
        "that of a trainer at work is",
        "so far as it was",
        "and a set-up that counts",
        "the steps afterwards are not, nor what lies before them",
        "nor what is said before the next start",
    ],
)
def test_what_is_spent(timed: list[tuple[float, Event]], seconds: float) -> None:
    assert spent(timed) == seconds


def test_what_a_set_up_took_is_known_where_it_was_watched() -> None:
    begun, first = AttemptStarted(1, 0, 0, 0, 5, "", 0, {}), Progress(1, 50, 0.1, 1.0, 1)
    watched: list[tuple[float, Event]] = [(10.0, STARTED), (12.0, begun), (40.0, first)]
    assert set_up([*watched, (45.0, begun), (99.0, first)]) == 28
    assert set_up([*watched[:2], (500.0, STARTED), (501.0, first)]) is None
    assert set_up([]) is None


def test_side_by_side_an_hour_is_counted_once() -> None:
    first = [(10.0, STARTED), (40.0, END)]
    second = [(20.0, STARTED), (60.0, END)]
    third = [(100.0, STARTED), (110.0, END)]
    within = [(25.0, STARTED), (30.0, END)]
    assert spent_together([second, first, third, within]) == 60
    assert spent_together([]) == 0


def test_either_amount_is_a_cap_and_a_price_alone_is_none() -> None:
    capped = (Budget(max_hours=1), Budget(max_cost=1), Budget(2.0, 1))
    assert [one.is_capped for one in (*capped, Budget(), Budget(2.0))] == [True] * 3 + [False] * 2
