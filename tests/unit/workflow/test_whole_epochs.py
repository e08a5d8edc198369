"""A limit in steps, said in epochs."""

from __future__ import annotations

import pytest

from kohya_wrap.domain import steps
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.workflow import epochs


@pytest.mark.parametrize(
    ("limit", "whole", "said"),
    [(100, 10, False), (104, 10, True), (106, 11, True), (7, 1, True), (4, None, False)],
)
def test_the_nearest_whole_number_of_epochs(limit: int, whole: int | None, said: bool) -> None:
    config = settle([Layer(Origin.FILE, {"max_train_steps": limit})])
    plan = steps.plan([20], batch=2, max_steps=limit)
    meant, found, findings = epochs.whole(config, plan)
    assert meant.get("max_train_epochs") == whole
    assert found.steps == (limit if whole is None else 10 * whole)
    assert [finding.code for finding in findings] == ["whole-epochs"] * said


def test_epochs_are_left_alone() -> None:
    config = settle([Layer(Origin.FILE, {"max_train_steps": 7, "max_train_epochs": 3})])
    plan = steps.plan([20], batch=2, epochs=3)
    assert epochs.whole(config, plan) == (config, plan, ())
