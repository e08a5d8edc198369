"""Plans by measured runs, and others' runs taken over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain.calibration import Measured
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import UsageError
from kohya_wrap.places import Places
from kohya_wrap.plan import calibration
from kohya_wrap.workflow import calibrated, plan
from kohya_wrap.workflow.card_plan import FREE, CardPlan, Verdict
from kohya_wrap.workflow.plan import Plan, PlanRequest

CARD = "RTX 3090"
WHEN = "2026-12-01T04:27:45+00:00"


def planned(photos: Path, places: Places, *cards: str, words: tuple[str, ...] = (), base: str = "") -> Plan:
    return plan.run(PlanRequest(photos, gpus=cards or (CARD,), words=words, base=base), places, {})


def ran(card: CardPlan, places: Places, *, times: float, peak: int | None = None) -> Measured:
    """A run of this plan on its card, so many times as long as the model says."""
    seconds = card.pace.seconds * times
    run = Measured(card.load, card.preset.name, seconds, peak, 900, WHEN, "0.1.0")
    calibration.append(places.calibration, [run])
    return run


def test_a_run_of_this_setup_is_the_plan_for_it(photos: Path, places: Places) -> None:
    (before,) = planned(photos, places).cards
    assert (before.estimate.runs, before.estimate.within) == ((), 2.0)
    run = ran(before, places, times=3, peak=5 << 30)
    card, other = sorted(planned(photos, places, CARD, "RTX 4090").cards, key=lambda one: one.preset.name)
    assert card.estimate.runs == (run,)
    assert card.training == pytest.approx(3 * before.training)
    assert card.seconds_a_step == pytest.approx(3 * before.seconds_a_step)
    assert card.dollars and before.dollars and card.dollars[0] > before.dollars[0]
    assert (card.need.likely, card.need.conservative) == (5 << 30, 1.05 * (5 << 30))
    assert not other.estimate.runs


def test_a_learning_rate_and_a_folder_do_not_make_another_setup(photos: Path, places: Places) -> None:
    ran(planned(photos, places).cards[0], places, times=3)
    photos = photos.rename(photos.with_name("elsewhere"))
    (alike,) = planned(photos, places, words=("learning_rate=3e-4", "output_name=y")).cards
    assert alike.estimate.alike
    (other,) = planned(photos, places, words=("network_dim=64",)).cards
    assert other.estimate.runs and not other.estimate.alike
    assert other.estimate.seconds == pytest.approx(3 * other.pace.seconds)
    (sdxl,) = planned(photos, places, base="sdxl").cards
    assert not sdxl.estimate.runs


def test_what_was_measured_to_fit_is_not_changed_to_fit(photos: Path, places: Places) -> None:
    large = ("resolution=1024,1024", "train_batch_size=4", "gradient_checkpointing=false")
    (before,) = planned(photos, places, "RTX 3060 12GB", words=large).cards
    assert before.changes
    as_asked = replace(planned(photos, places, "A100 80GB SXM", words=large).cards[0], preset=before.preset)
    assert not as_asked.changes
    ran(as_asked, places, times=1, peak=int(12 * 2**30 * FREE / 1.06))
    (after,) = planned(photos, places, "RTX 3060 12GB", words=large).cards
    assert (after.changes, after.verdict) == ((), Verdict.FITS)


def test_a_card_by_its_figures_is_none_that_was_measured(photos: Path, places: Places) -> None:
    ran(planned(photos, places).cards[0], places, times=3)
    (card,) = plan.run(PlanRequest(photos, gpus=(CARD,), figures=(24, 71.0)), places, {}).cards
    assert not card.estimate.runs


def test_lines_that_cannot_be_read_are_said_and_no_more(photos: Path, places: Places) -> None:
    ran(planned(photos, places).cards[0], places, times=3)
    with places.calibration.open("a") as file:
        file.write("nonsense\n{}\n")
    found = planned(photos, places)
    assert found.cards[0].estimate.alike
    (said,) = [one for one in found.findings if one.code == "calibration"]
    assert said.where == f"{places.calibration}:2"
    assert said.message == "2 lines of the measured runs counted for nothing: the first is no JSON."


def test_a_file_that_cannot_be_read_is_said(photos: Path, places: Places) -> None:
    places.calibration.mkdir(parents=True)
    found = planned(photos, places)
    assert not found.cards[0].estimate.runs
    assert any(one.code == "calibration" and "folder" in one.message for one in found.findings)


@pytest.fixture
def run(photos: Path, places: Places) -> Measured:
    (card,) = planned(photos, places).cards
    return Measured(card.load, CARD, 0.5, None, 900, WHEN, "0.1.0")


def test_others_runs_are_taken_once(places: Places, tmp_path: Path, run: Measured) -> None:
    ours, theirs = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    others = [replace(run, seconds=seconds) for seconds in (0.6, 0.7)]
    calibration.append(places.calibration, [run])
    calibration.append(ours, [run, others[0], others[0]])
    calibration.append(theirs, [others[0], others[1], replace(run, gpu="RTX 9999")])
    merged = calibrated.merge([ours, theirs], places)
    assert (merged.taken, merged.known, merged.refused, merged.runs) == (2, 3, 1, 3)
    (said,) = merged.findings
    assert (said.level, said.where) == (Level.WARNING, f"{theirs}:3")
    assert "no preset: 'RTX 9999'" in said.message
    cards = presets.load(resources.presets()).gpus
    assert calibration.read(places.calibration, cards) == calibration.Lines((run, *others))
    again = calibrated.merge([ours, theirs, places.calibration], places)
    assert (again.taken, again.runs) == (0, 3)


def test_many_refused_lines_are_counted(places: Places, tmp_path: Path, run: Measured) -> None:
    path = tmp_path / "a.jsonl"
    calibration.append(path, [run])
    path.write_text(path.read_text() + "x\n" * 100)
    merged = calibrated.merge([path], places)
    assert (merged.taken, merged.refused, len(merged.findings)) == (1, 100, 6)
    assert merged.findings[-1].message == "95 more lines are refused."


@pytest.mark.parametrize(("text", "why"), [("", "Nothing is in it"), ("x\n", "The first line is no JSON")])
def test_a_file_without_a_run_takes_nothing(places: Places, tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        calibrated.merge([path], places)
    assert why in refused.value.why
    assert not places.calibration.exists()


def test_where_one_cannot_be_read_nothing_is_taken(places: Places, tmp_path: Path, run: Measured) -> None:
    path = tmp_path / "a.jsonl"
    calibration.append(path, [run])
    with pytest.raises(UsageError, match=r"nowhere\.jsonl cannot be read"):
        calibrated.merge([path, tmp_path / "nowhere.jsonl"], places)
    assert not places.calibration.exists()
