"""The guide's reading of the training loss."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain import loss
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.loss import Trend


@pytest.mark.parametrize(
    ("epoch", "low", "high"),
    [(1, 0.08, 0.10), (2, 0.08, 0.10), (4, 0.05, 0.07), (5, 0.05, 0.07), (9, 0.04, 0.06), (10, 0.04, 0.06), (30, 0.04, 0.06)],
)  # fmt: skip
def test_the_guides_line_that_is_nearest(epoch: int, low: float, high: float) -> None:
    found = loss.expected(epoch)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({}, ""),
        ({"loss_type": "l2", "min_snr_gamma": 0.0, "noise_offset": 0, "v_parameterization": False}, ""),
        ({"min_snr_gamma": 5.0}, "min-SNR"),
        ({"v_parameterization": True}, "v-prediction"),
        ({"masked_loss": True}, "a mask"),
        ({"alpha_mask": True}, "a mask"),
        ({"loss_type": "huber"}, "loss_type huber"),
        ({"min_timestep": 200}, "min_timestep"),
    ],
)
def test_what_shifts_the_scale(options: dict[str, Any], what: str) -> None:
    assert loss.rescaled_by(settle([Layer(Origin.FILE, options)])) == what


@pytest.mark.parametrize(
    ("averages", "trend"),
    [
        ([], Trend.UNKNOWN),
        ([0.09, 0.05], Trend.UNKNOWN),
        ([0.09, 0.08, 0.07], Trend.FALLS),
        ([0.09, 0.06, 0.06], Trend.STEADY),
        ([0.09, 0.06, 0.062, 0.059, 0.06], Trend.STEADY),
        ([0.09, 0.06, 0.065, 0.08], Trend.RISES),
        ([0.09, 0.09, 0.12], Trend.RISES),
        ([0.09, 0.092, 0.088, 0.091], Trend.FLAT),
        ([0.09, 0.08, float("nan")], Trend.STEADY),
    ],
)
def test_trend(averages: list[float], trend: Trend) -> None:
    assert loss.trend(averages) is trend


def test_the_validation_loss_in_words() -> None:
    assert loss.validation({1: 0.2}) == "0.2 after epoch 1"
    assert loss.validation({1: 0.2, 2: 0.098, 4: 0.1123}) == "0.112 after epoch 4; least 0.098 after epoch 2"
    assert loss.validation({1: 0.2, 2: 0.1}) == "0.1 after epoch 2"
