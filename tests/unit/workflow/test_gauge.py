"""What is measured of a run: of whole ones on a pretended card, the rehearsal's trainer in the engine's place; and of none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from kohya_wrap.domain import calibration
from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.calibration import Estimate, Measured
from kohya_wrap.domain.events import (
    Advice,
    AttemptStarted,
    EpochStarted,
    Event,
    Progress,
    RunEnded,
    TrainerStarted,
)
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.domain.memory import Load
from kohya_wrap.domain.saving import Saving
from kohya_wrap.domain.stopwatch import Stopwatch
from kohya_wrap.engine import locate
from kohya_wrap.engine.locate import Engine
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Places
from kohya_wrap.workflow import gauge, job, plan
from kohya_wrap.workflow.gauge import Gauge
from kohya_wrap.workflow.job import Means
from kohya_wrap.workflow.launch import Launch
from kohya_wrap.workflow.plan import PlanRequest
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.wishes import Wishes
from tests.unit.workflow.conftest import RTX_3090, Prepared

STEP = 0.04  # seconds, which the trainer waits in each
TEXT = (
    'output_name = "x"\nmax_train_epochs = 1\ntrain_batch_size = 1\n'
    'network_dim = 8\n[kohya_wrap]\nbase = "sd15"\n'
)
STAND_IN = Means(replace(locate.rehearsal(), kind="real"), None)
LOAD = Load(FamilyName.SD15, (512, 512), 2, 32)
RUN = Measured(LOAD, "RTX 3090", 1.0, 7 << 30, 900, "2026-12-01T04:27:45+00:00", "0.1.0")
Run = Callable[..., list[Event]]


@pytest.fixture
def run(
    prepared: Prepared, cards: list[Gpu], places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """run(): 120 steps of a config on a pretended RTX 3090, whose driver tells of 7 GiB in use; what was told."""
    answers = {
        "nvmlInit": None,
        "nvmlShutdown": None,
        "nvmlDeviceGetHandleByUUID": "card",
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=7 << 30, total=24 << 30),
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, lambda *asked, answer=answer: answer)
    env = {
        "KOHYA_WRAP_HOME": str(places.home),
        "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": str(STEP),
        "PATH": "/usr/bin:/bin",
    }

    def whole(wishes: Wishes | None = None, repeats: int = 60) -> list[Event]:
        data = tmp_path / "my-lora" / "training_data"
        next(data.iterdir()).rename(data / f"{repeats}_concept")
        told: list[Event] = []
        job.execute(prepared(TEXT, env=env), STAND_IN, env, StopRequest(), told.append, wishes or Wishes())
        return told

    cards.append(RTX_3090)
    return whole


def warnings(told: list[Event]) -> list[str]:
    return [one.text for one in told if isinstance(one, Advice) and one.about == "off-plan"]


def test_a_finished_run_is_on_record_and_the_next_plan_goes_by_it(
    run: Run, places: Places, tmp_path: Path
) -> None:
    config = tmp_path / "my-lora" / "training_config.toml"
    told = run(wishes=Wishes(budget=Budget(price=0.5)))
    (line,) = places.calibration.read_text().splitlines()
    data = json.loads(line)
    assert STEP < data["seconds"] < 3 * STEP
    assert (data["gpu"], data["family"], data["peak"]) == ("RTX 3090", "sd15", 7 << 30)
    assert 60 <= data["steps"] <= 120
    assert str(tmp_path) not in line and '"x"' not in line, "neither paths nor names"
    # The model takes 9 µs for each of a step's kernels: a quarter of a second, said once and after 50 steps.
    (said,) = warnings(told)
    before = [one.step for one in told[: told.index(Advice(said, "off-plan"))] if isinstance(one, Progress)]
    assert before[-1] >= 50
    assert "(uncalibrated): 120 steps take 0:0" in said and "($0.00)" in said
    (card,) = plan.run(PlanRequest(config, gpus=("RTX 3090",)), places, {}).cards
    assert card.estimate.alike and card.estimate.seconds == data["seconds"]
    assert card.need.likely == 7 << 30 and card.need.conservative == calibration.ROOM * (7 << 30)
    assert card.training == pytest.approx(card.steps.steps * data["seconds"])


def test_of_too_few_steps_nothing_is_kept(run: Run, places: Places) -> None:
    run(repeats=8)
    assert not places.calibration.exists()


def test_a_mistake_of_ours_in_it_costs_no_training(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(gauge, "of", broken)
    told = run(repeats=8)
    assert isinstance(told[-1], RunEnded) and told[-1].outcome == "done"
    (said,) = [one.text for one in told if isinstance(one, Advice) and one.about == "calibration"]
    assert "ZeroDivisionError: a bug" in said


def launch(made: Job, engine: Engine, places: Places) -> Launch:
    run = RunFolder(made.project.root / "run")
    saving = Saving.of(made.config, made.plan.epochs)
    return Launch(made, made.config, engine, run, {"KOHYA_WRAP_HOME": str(places.home)}, saving)


def test_what_is_measured_is_what_the_ladder_made_of_the_config(
    prepared: Prepared, cards: list[Gpu], places: Places
) -> None:
    cards.append(RTX_3090)
    begun = launch(prepared(TEXT.replace("batch_size = 1", "batch_size = 2")), STAND_IN.engine, places)
    first = gauge.of(begun, AttemptStarted(1, 0, 0, 0, 10, "", 0, {}))
    rung = {"gradient_checkpointing": True, "train_batch_size": 1, "gradient_accumulation_steps": 2}
    second = gauge.of(begun, AttemptStarted(2, 0, 0, 0, 10, "", 0, rung))
    assert first and second
    assert (first.load.checkpointed, first.load.batch, first.micro_batches) == (False, 2, 1)
    assert (second.load.checkpointed, second.load.batch, second.micro_batches) == (True, 1, 2)


@pytest.mark.parametrize("what", ["a card", "rehearsal", "cpu", "no preset", "two cards"])
def test_only_a_training_on_one_card_of_known_rate_is_measured(
    prepared: Prepared, cards: list[Gpu], places: Places, what: str
) -> None:
    unknown = replace(RTX_3090, name="NVIDIA Grid 24", uuid="GPU-1")
    cards += [unknown if what == "no preset" else RTX_3090, replace(RTX_3090, uuid="GPU-2")]
    made = prepared(TEXT, gpu="cpu" if what == "cpu" else "auto", processes=2 if what == "two cards" else 1)
    engine = locate.rehearsal() if what == "rehearsal" else STAND_IN.engine
    found = gauge.of(launch(made, engine, places), AttemptStarted(1, 0, 0, 0, 20, "", 0, {}))
    assert (found is not None) is (what == "a card")


def test_a_run_that_cannot_be_put_on_record_is_done_all_the_same(places: Places) -> None:
    places.calibration.mkdir(parents=True)
    (said,) = gauge.keep(RUN, places)
    assert str(places.calibration) in said.text
    assert not list(gauge.keep(None, places))


class Turned:
    """A gauge whose plan says a second a micro-batch, two of which are a step; the test turns its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *runs: Measured, price: float | None = None) -> None:
        attempt = AttemptStarted(1, 0, 0, 0, 1000, "", 0, {})
        plan = Estimate(1.0, runs=runs)
        self.gauge = Gauge(attempt, LOAD, "RTX 3090", plan, 2.0, price, Stopwatch(attempt))
        self.now, self.step = 0.0, 0
        monkeypatch.setattr(gauge.time, "monotonic", lambda: self.now)
        list(self.gauge.told(TrainerStarted(1, 0.0, ())))

    def train(self, steps: int, pace: float) -> list[tuple[int, str]]:
        said = []
        for _ in range(steps):
            self.now += pace
            self.step += 1
            seen = Progress(self.step, 1000, 0.1, pace, 1)
            said += [(self.step, one.text) for one in self.gauge.told(seen)]
        return said


@pytest.mark.parametrize(
    ("pace", "warned"), [(2.0, False), (3.9, False), (1.1, False), (4.2, True), (0.9, True)]
)
def test_off_by_more_than_two_is_said_once_after_fifty_steps(
    monkeypatch: pytest.MonkeyPatch, pace: float, warned: bool
) -> None:
    said = Turned(monkeypatch).train(200, pace)
    assert [step for step, _ in said] == ([50] if warned else [])


def test_where_epochs_are_too_short_to_be_measured_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = Turned(monkeypatch)
    for epoch in range(1, 30):
        assert not turned.train(5, 9.0)
        assert not list(turned.gauge.told(EpochStarted(epoch, 30)))
    assert turned.gauge.measured(5) is None
    assert turned.train(60, 9.0), "later, when they can be"


def test_what_it_will_take_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, text),) = Turned(monkeypatch, RUN, RUN, price=0.5).train(60, 7.2)
    assert text == (
        "a step takes 7.2 s, and the plan said 2 (by 2 measured runs): 1000 steps take 2:00:00 ($1.00) in all, not 33:20."
    )
    ((_, text),) = Turned(monkeypatch).train(60, 7.2)
    assert "(uncalibrated)" in text and "$" not in text


def test_seconds_are_those_of_a_micro_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = Turned(monkeypatch)
    turned.train(200, 3.0)
    found = turned.gauge.measured(5)
    assert found and (found.seconds, found.peak, found.load, found.gpu) == (1.5, 5, LOAD, "RTX 3090")
    assert calibration.from_dict(json.loads(json.dumps(calibration.as_dict(found))), {"RTX 3090"}) == found
