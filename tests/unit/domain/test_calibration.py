"""What measured runs make of an estimate, and which lines are measured runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from kohya_wrap.domain import calibration, speed
from kohya_wrap.domain.calibration import Measured
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import Load, Need, Part, Phase

LOAD = Load(FamilyName.SD15, (512, 512), 2, 32, samples=(512, 512))
OTHER = replace(LOAD, batch=4)
SDXL = replace(LOAD, family=FamilyName.SDXL)
RUN = Measured(LOAD, "RTX 3090", 0.4, 7 << 30, 1200, "2026-12-01T04:27:45+00:00", "0.1.0")
CARDS = {"RTX 3090", "RTX 4090"}
ANOTHER: dict[str, Any] = {
    "family": FamilyName.SDXL, "size": (512, 768), "precision": "fp8", "attention": "none", "encoders": "cached",
    "latents_cached": False, "samples": None,
}  # fmt: skip


def counted(load: Load) -> float:
    """The model of these tests: a tenth of a second an image."""
    return load.batch / 10


def estimate(load: Load, *runs: Measured, gpu: str = "RTX 3090") -> calibration.Estimate:
    return calibration.estimate(load, gpu, runs, counted)


def line(**changed: Any) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(calibration.as_dict(RUN)))
    return written | changed


def test_without_a_run_the_model_within_a_factor_of_two() -> None:
    found = estimate(LOAD)
    assert (found.seconds, found.within, found.runs, found.peak) == (0.2, speed.WITHIN, (), None)


@pytest.mark.parametrize(
    "run", [replace(RUN, gpu="RTX 4090"), replace(RUN, load=SDXL)], ids=["card", "family"]
)
def test_runs_on_another_card_or_of_another_family_say_nothing(run: Measured) -> None:
    assert estimate(LOAD, run) == estimate(LOAD)


def test_runs_that_were_alike_are_believed() -> None:
    """The median of them, and of the memory the most; what others took does not count then."""
    alike = [replace(RUN, seconds=seconds, peak=peak) for seconds, peak in ((0.4, 5), (0.1, None), (0.41, 9))]
    found = estimate(LOAD, *alike, replace(RUN, load=OTHER, seconds=9.0))
    assert (found.seconds, found.within, found.runs, found.alike) == (0.4, 1.15, tuple(alike), True)
    assert found.peak == 9
    assert estimate(LOAD, *alike[:2]).seconds == pytest.approx(0.25)


def test_other_runs_of_the_family_there_scale_the_model() -> None:
    """Twice and half of what was counted: no more than that on the whole; the peaks are of other setups."""
    twice, half = (
        replace(RUN, load=OTHER, seconds=0.8),
        replace(RUN, load=replace(LOAD, batch=8), seconds=0.4),
    )
    found = estimate(LOAD, twice, half)
    assert (found.seconds, found.within, found.alike, found.peak) == (pytest.approx(0.2), 1.5, False, None)
    assert estimate(LOAD, twice).seconds == pytest.approx(0.4)


@pytest.mark.parametrize(("seconds", "off"), [(0.39, False), (0.41, True), (0.11, False), (0.09, True)])
def test_off_is_by_more_than_two(seconds: float, off: bool) -> None:
    assert estimate(LOAD).is_off(seconds) is off


def test_a_measured_peak_is_what_is_needed() -> None:
    need = Need({Part.WORK: 5.0}, {Phase.TRAINING: 5.0}, 5.0, 6.0, 7.0)
    assert calibration.need(need, None) is need
    found = calibration.need(need, 100)
    assert (found.likely, found.shown, found.conservative) == (100, 100, 105)
    assert found.parts == need.parts


@pytest.mark.parametrize("name", [one.name for one in fields(Load)])
def test_all_that_decides_is_in_the_fingerprint(name: str) -> None:
    before = getattr(LOAD, name)
    after = ANOTHER[name] if name in ANOTHER else not before if isinstance(before, bool) else before + 1
    assert calibration.fingerprint(replace(LOAD, **{name: after})) != RUN.fingerprint


@pytest.mark.parametrize("run", [RUN, replace(RUN, peak=None, load=replace(LOAD, samples=None))])
def test_what_is_written_is_read(run: Measured) -> None:
    assert calibration.from_dict(json.loads(json.dumps(calibration.as_dict(run))), CARDS) == run


Spoil = Callable[[dict[str, Any]], Any]


def without(name: str) -> Spoil:
    return lambda written: {key: value for key, value in written.items() if key != name}


def with_load(**changed: Any) -> Spoil:
    return lambda written: written | {"load": written["load"] | changed}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda written: [], "no measured run"),
        (lambda written: {"a": 1}, "no measured run"),
        (without("seconds"), "no measured run"),
        (without("peak"), "no measured run"),
        (lambda written: written | {"load": {}}, "no measured run"),
        (lambda written: line(gpu="RTX 9999"), "card that has no preset: 'RTX 9999'"),
        (lambda written: line(seconds="0.4"), "no measured run"),
        (lambda written: line(seconds=float("nan")), "figures"),
        (lambda written: line(seconds=0), "figures"),
        (lambda written: line(seconds=-1.0), "figures"),
        (lambda written: line(seconds=1e6), "figures"),
        (lambda written: line(peak=-1), "figures"),
        (lambda written: line(peak=0), "figures"),
        (lambda written: line(steps=0), "figures"),
        (lambda written: line(when="yesterday"), "no measured run"),
        (lambda written: line(when="2026-12-01T04:27:45"), "figures"),
        (lambda written: line(fingerprint="0" * 12), "another fingerprint"),
        (with_load(batch=3), "another fingerprint"),
        (with_load(batch=10**400), "figures"),
        (with_load(batch=True), "another fingerprint"),
        (with_load(size=[512]), "figures"),
        (with_load(size=[512, 0]), "figures"),
        (with_load(samples=[512, -1]), "figures"),
        (with_load(precision="quarter"), "figures"),
        (with_load(attention=["sdpa"]), "no measured run"),
        (with_load(family="flux"), "no measured run"),
        (with_load(state=-1.0), "figures"),
        (with_load(state=8), "another fingerprint"),
        (with_load(checkpointed="no"), "another fingerprint"),
        (with_load(later=1), "no measured run"),
        (lambda written: line(gpu=["RTX 3090"]), "no measured run"),
        (lambda written: line(when=None), "no measured run"),
        (lambda written: line(version={}), "no measured run"),
        (with_load(latents_cached=[]), "no measured run"),
        (with_load(samples=[[1], 2]), "no measured run"),
    ],
)
def test_what_is_no_measured_run_is_refused_in_words(spoil: Spoil, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        calibration.from_dict(spoil(line()), CARDS)


@pytest.mark.parametrize(("values", "middle"), [([3.0], 3.0), ([9.0, 1.0, 2.0], 2.0), ([4.0, 1.0], 2.5)])
def test_median(values: list[float], middle: float) -> None:
    assert calibration.median(values) == middle
