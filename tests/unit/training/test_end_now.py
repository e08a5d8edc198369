"""When a trainer that would go on is ended, by a clock that the test turns."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.domain.events import AttemptStarted, LossNotFinite, Progress, StateKept, Unfit
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training import end_now
from kohya_wrap.training.end_now import EndNow, Patience, Why
from kohya_wrap.training.stop_file import StopFile

ATTEMPT = AttemptStarted(1, 2, 200, 200, 100, "s", 0, {})


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(end_now, "time", clock)
    monkeypatch.setattr(EndNow.__dataclass_fields__["_last_word"], "default_factory", clock.monotonic)
    return clock


def watch(tmp_path: Path, clock: Clock, **words: Any) -> EndNow:
    asked: dict[str, Any] = {"until_epoch": None, "patience": Patience(), **words}
    log = tmp_path / "engine.log"
    log.touch()
    made = EndNow(ATTEMPT, StopRequest(), StopFile(tmp_path), log, **asked)
    made._began = made._last_word = clock.now
    return made


def step(number: int, pace: float = 1.0) -> Progress:
    return Progress(number, 1000, 0.1, pace, 3)


def test_nothing_ends_what_goes_well(tmp_path: Path, clock: Clock) -> None:
    watching = watch(tmp_path, clock, until_epoch=5)
    for event in (step(250), StateKept("s", 3, 300), step(350)):
        watching.told(event)
        assert not watching()


@pytest.mark.parametrize("event", [LossNotFinite(3), Unfit("lo.safetensors", "holds NaN")])
def test_what_is_of_no_use(tmp_path: Path, clock: Clock, event: Any) -> None:
    watching = watch(tmp_path, clock)
    watching.told(event)
    assert watching() and watching.why is Why.USELESS


def test_the_epoch_asked_for(tmp_path: Path, clock: Clock) -> None:
    watching = watch(tmp_path, clock, until_epoch=3)
    watching.told(StateKept("s", 3, 300))
    assert watching() and watching.why is Why.REACHED


def test_silence(tmp_path: Path, clock: Clock) -> None:
    """A base over a slow network is waited for; between slow steps, fifty of them."""
    watching = watch(tmp_path, clock)
    clock.now += 1799
    assert not watching()
    watching.log.write_text("step 201")
    watching.told(step(201, pace=20.0))
    assert not watching()
    clock.now += 999
    assert not watching()
    clock.now += 2
    assert watching() and watching.why is Why.HANGS


def test_silence_between_quick_steps(tmp_path: Path, clock: Clock) -> None:
    """Five minutes: an epoch's end may be saved to a slow disk."""
    watching = watch(tmp_path, clock)
    watching.told(step(201, pace=1.0))
    clock.now += 299
    assert not watching()
    clock.now += 2
    assert watching() and watching.why is Why.HANGS


def test_a_bar_that_is_no_event_is_a_word_too(tmp_path: Path, clock: Clock) -> None:
    """Latents of ten thousand pictures are encoded for longer than a base is loaded."""
    watching = watch(tmp_path, clock)
    for _ in range(10):
        clock.now += 1000
        with watching.log.open("a") as log:
            log.write("caching latents |##  |\r")
        assert not watching()
    clock.now += 1801
    assert watching() and watching.why is Why.HANGS


@pytest.mark.parametrize(
    ("step_done", "pace", "waits"),
    [(288, 1.0, True), (287, 1.0, False), (290, None, False), (200, 0.05, True)],
    ids=["twelve seconds away", "thirteen seconds away", "pace unknown", "a fast epoch's first step"],
)
def test_sigterm_waits_for_a_state_that_is_near(
    tmp_path: Path, clock: Clock, step_done: int, pace: float | None, waits: bool
) -> None:
    watching = watch(tmp_path, clock)
    watching.told(step(step_done, pace))  # type: ignore[arg-type]
    watching.stop.number = signal.SIGTERM
    watching.stop.times = 1
    assert watching() is not waits
    if waits:
        clock.now += 4
        assert not watching()
        watching.told(StateKept("s", 3, 300))
        assert watching()
    assert watching.why is Why.ASKED


def test_it_waits_no_longer_than_a_spot_instance_does(tmp_path: Path, clock: Clock) -> None:
    watching = watch(tmp_path, clock)
    watching.told(step(290))
    watching.stop.number, watching.stop.times = signal.SIGTERM, 1
    assert not watching()
    clock.now += 25
    assert watching()


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)])
def test_ctrl_c_or_asked_twice_is_at_once(tmp_path: Path, clock: Clock, number: int, times: int) -> None:
    watching = watch(tmp_path, clock)
    watching.told(step(299))
    watching.stop.number, watching.stop.times = number, times
    assert watching()


def test_asked_from_another_shell(tmp_path: Path, clock: Clock) -> None:
    watching = watch(tmp_path, clock)
    watching.told(step(210))
    StopFile(tmp_path).ask(at_once=False)
    assert not watching(), "when its epoch is done"
    watching.told(StateKept("s", 3, 300))
    assert watching()
    other = watch(tmp_path, clock)
    StopFile(tmp_path).ask(at_once=True)
    assert other()


@pytest.mark.parametrize(
    ("seconds_left", "step_done", "ends"),
    [(100.0, 205, False), (100.0, 220, False), (79.0, 220, True), (0.0, 201, True), (5.0, 201, False)],
    ids=["too early to tell", "it fits", "it does not", "spent", "the first steps are slow"],
)
def test_a_budget_that_does_not_hold_the_next_state(
    tmp_path: Path, clock: Clock, seconds_left: float, step_done: int, ends: bool
) -> None:
    watching = watch(tmp_path, clock, seconds_left=seconds_left)
    watching.told(step(step_done))
    assert watching() is ends
    assert watching.why is (Why.BUDGET if ends else None)


def test_a_budget_is_for_the_next_state_not_the_whole_run(tmp_path: Path, clock: Clock) -> None:
    watching = watch(tmp_path, clock, seconds_left=150.0)
    watching.told(step(300))
    watching.told(StateKept("s", 3, 300))
    assert not watching(), "another hundred steps fit into what is left"
    clock.now += 60
    watching.told(step(305))
    assert watching()


def test_patience_can_be_set() -> None:
    assert Patience.from_environment({"KOHYA_WRAP_HANG_SECONDS": "3"}) == Patience(3.0, 3.0, 0)
    assert Patience.from_environment({}) == Patience()
