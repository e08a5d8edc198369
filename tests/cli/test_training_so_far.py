"""What events amount to, at any moment."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from kohya_wrap.cli.training_so_far import SoFar
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    Event,
    Progress,
    Supervised,
    TrainerStarted,
)
from kohya_wrap.domain.loss import Range, Trend
from kohya_wrap.domain.steps import StepPlan


def so_far(price: float | None = None, kind: str = "real", **options: Any) -> SoFar:
    config = settle([Layer(Origin.FILE, {"output_name": "my_lora", **options})])
    job: Any = SimpleNamespace(engine_kind=kind, config=config, plan=StepPlan(2, 2, 10, 20))
    return SoFar(job, price)


def told(found: SoFar, *events: Event) -> SoFar:
    for event in events:
        found.on_event(event)
    return found


def epochs(*losses: float, first: int = 1) -> list[Event]:
    """Two steps each."""
    return [
        Progress(2 * (epoch - 1) + half, 20, loss, 10.0, epoch)
        for epoch, loss in enumerate(losses, first)
        for half in (1, 2)
    ]


def attempt(epochs_done: int) -> AttemptStarted:
    return AttemptStarted(2, epochs_done, 2 * epochs_done, 2 * epochs_done, 2, "", 0, {})


def test_before_the_first_step() -> None:
    found = told(so_far(), Supervised(1, 0.0), TrainerStarted(1, 0.0, ()))
    shown = found.shown()
    assert (shown.doing, shown.step, shown.steps, shown.eta) == ("loading the base model", 0, 20, None)
    assert shown.dollars is None


def test_a_step_and_a_checkpoint() -> None:
    found = told(
        so_far(3600.0), Supervised(1, 0.0, spent=100.0), *epochs(0.09), CheckpointKept("/out/a.safetensors")
    )
    shown = found.shown()
    assert (shown.doing, shown.step, shown.epoch, shown.checkpoint) == ("", 2, 1, "a.safetensors")
    assert (shown.expected, shown.losses) == (Range(1, 0.08, 0.10), (0.09, 0.09))
    assert shown.eta == pytest.approx(180, abs=1) and shown.elapsed == pytest.approx(100, abs=1)
    assert shown.dollars == (pytest.approx(100, abs=1), pytest.approx(280, abs=2))


def test_clocks_go_on_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    found = told(so_far(), Supervised(1, 0.0), *epochs(0.09))
    now += 7
    assert (found.shown().elapsed, found.shown().eta) == (7, 173)
    now += 1000
    assert found.shown().eta == 0


def test_what_is_done_again_replaces_what_was_lost() -> None:
    found = told(so_far(), *epochs(0.09, 0.08, 0.07), attempt(1))
    shown = found.shown()
    assert (shown.step, shown.epoch, shown.losses, shown.eta) == (2, 1, (0.09, 0.09), None)
    assert told(found, *epochs(0.05, first=2)).shown().losses == (0.09, 0.09, 0.05, 0.05)


def test_the_trend_is_of_whole_epochs_from_the_first_on() -> None:
    losses = (0.10, 0.08, 0.06, 0.10)
    assert told(so_far(), *epochs(*losses[:3])).shown().trend is Trend.UNKNOWN  # the third is not done
    assert told(so_far(), *epochs(*losses)).shown().trend is Trend.FALLS
    assert told(so_far(), *epochs(*losses, 0.1)).shown().trend is Trend.RISES
    assert told(so_far(), attempt(4), *epochs(*losses, 0.1, first=5)).shown().trend is Trend.UNKNOWN


@pytest.mark.parametrize(
    "options", [{"min_snr_gamma": 5.0}, {"v_parameterization": True}, {"masked_loss": True}]
)
def test_no_range_where_the_scale_is_another(options: dict[str, Any]) -> None:
    shown = told(so_far(**options), *epochs(0.09)).shown()
    assert shown.expected is None and shown.rescaled_by


def test_a_loss_that_is_no_number_is_shown() -> None:
    shown = told(
        so_far(), *epochs(0.09), Progress(3, 20, math.nan, 1.0, 2), Progress(4, 20, None, None, 2)
    ).shown()
    assert math.isnan(shown.losses[-1]) and (shown.step, shown.eta) == (4, None)
