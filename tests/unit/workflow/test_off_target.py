"""Epochs and target steps of one file, when the dataset has changed since they were solved."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.finding import Finding
from kohya_wrap.places import Places
from kohya_wrap.workflow import check_dataset, effective
from kohya_wrap.workflow.check_dataset import CheckRequest
from kohya_wrap.workflow.effective import ConfigRequest
from tests.unit.workflow.conftest import Prepared

# Two pictures ten times each: 20 steps an epoch.
CONFIG = """\
train_batch_size = 1
gradient_accumulation_steps = 1
max_train_epochs = {epochs}
[kohya_wrap]
base = "sd15"
engine = "rehearsal"
target_steps = 100
"""


def said(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(f.message, f.hint.partition(" --file")[0]) for f in findings if f.code == "off-target"]


@pytest.mark.parametrize(("epochs", "far"), [(2, True), (4, False), (6, False), (20, True)])
def test_a_plan_far_from_the_target_is_said_with_what_mends_it(
    prepared: Prepared, places: Places, epochs: int, far: bool
) -> None:
    job = prepared(CONFIG.format(epochs=epochs))
    message = f"`max_train_epochs = {epochs}` is {epochs * 20} steps with the pictures that are there, and `target_steps = 100`."
    expected = [(message, "kohya-wrap config set max_train_epochs=5")] if far else []
    assert said(job.findings) == expected
    checked = check_dataset.run(CheckRequest(job.user.path), places, {}, lambda *_: None)
    assert said(checked.findings) == expected
    by_names = said(effective.of(ConfigRequest(job.user.path), places, {}).findings)
    assert by_names == [
        (m.replace("is 400", "is at least 400"), hint) for m, hint in expected if epochs == 20
    ]


def test_nothing_is_said_of_epochs_for_once(prepared: Prepared) -> None:
    assert said(prepared(CONFIG.format(epochs=5), words=("max_train_epochs=1",)).findings) == []
