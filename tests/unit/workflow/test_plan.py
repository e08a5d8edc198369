"""A plan: which steps, on which cards, in which order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain import cost, speed
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.domain.session import ENVIRONMENT
from kohya_wrap.errors import ConfigError, DatasetError, MachineError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import plan
from kohya_wrap.workflow.card_plan import FREE, Verdict
from kohya_wrap.workflow.plan import Plan, PlanRequest
from tests.unit.workflow.conftest import RTX_3090, Prepared

Planned = Callable[..., Plan]
CARDS = presets.load(resources.presets()).gpus


@pytest.fixture
def planned(photos: Path, places: Places) -> Planned:
    """planned("network_dim = 8", gpus=("T4",)): the plan of a config with that text on those pictures."""

    def run(text: str | None = None, **asked: Any) -> Plan:
        where = photos
        if text is not None:
            where = photos.parent / "training_config.toml"
            where.write_text(
                f'train_data_dir = "data"\n{text}\n[kohya_wrap]\nbase = "sd15"\n', encoding="utf-8"
            )
            (photos.parent / "data").mkdir(exist_ok=True)
            if not (photos.parent / "data" / "10_cat").exists():
                (photos.parent / "data" / "10_cat").symlink_to(photos, target_is_directory=True)
        return plan.run(PlanRequest(where, **asked), places, {})

    return run


def test_every_card_of_known_rate_the_cheapest_first(planned: Planned) -> None:
    found = planned()
    assert {card.preset.name for card in found.cards} == {name for name, own in CARDS.items() if own.tflops}
    fitting = [card for card in found.cards if card.verdict is Verdict.FITS]
    lowest = [card.dollars[0] if card.dollars else float("inf") for card in fitting]
    assert lowest == sorted(lowest)
    assert len(fitting) > 20


def test_a_folder_is_planned_as_init_makes_a_project_of_it(planned: Planned) -> None:
    """Twenty pictures, ten times each, at the recipe's steps."""
    (card,) = planned(gpus=("RTX 4090",)).cards
    batch = int(card.config.get("train_batch_size"))
    assert card.steps.steps_per_epoch == 200 // batch, "640 x 512 and a repeat of ten: one bucket"
    assert card.steps.steps == pytest.approx(1500, rel=0.05)


@pytest.mark.parametrize(
    "text", ["", "train_batch_size = 3", "max_train_epochs = 7\ngradient_accumulation_steps = 2"]
)
def test_the_steps_are_those_that_run_plans(
    prepared: Prepared, cards: list[Gpu], places: Places, tmp_path: Path, text: str
) -> None:
    cards.append(RTX_3090)
    job = prepared(f'{text}\n[kohya_wrap]\nbase = "sd15"\n')
    config = tmp_path / "my-lora" / "training_config.toml"
    (card,) = plan.run(PlanRequest(config, gpus=("RTX 3090",)), places, {}).cards
    assert (card.steps, card.config.get("train_batch_size")) == (job.plan, job.config.get("train_batch_size"))


def test_what_does_not_fit_goes_down_the_ladder_that_run_has(planned: Planned) -> None:
    text = 'network_dim = 256\ntrain_batch_size = 4\nresolution = "768,768"\ngradient_checkpointing = false'
    small, large = planned(text, gpus=("RTX 3060 12GB", "A100 80GB SXM")).cards
    assert (small.preset.name, small.changes[0]) == ("RTX 3060 12GB", "with gradient_checkpointing")
    assert small.load.checkpointed
    assert large.changes == ()
    assert not large.load.checkpointed
    assert small.need.likely <= small.free == 12 * 2**30 * FREE


def test_the_largest_batch_fits_and_one_more_does_not(planned: Planned) -> None:
    (card,) = planned("train_batch_size = 1", gpus=("RTX 3060 12GB",)).cards
    assert card.largest > 1
    (at_most,) = planned(f"train_batch_size = {card.largest}", gpus=("RTX 3060 12GB",)).cards
    (more,) = planned(f"train_batch_size = {card.largest + 1}", gpus=("RTX 3060 12GB",)).cards
    assert (at_most.verdict, more.verdict) == (Verdict.FITS, Verdict.TIGHT)


def test_dollars_are_hours_at_the_lowest_and_the_highest_price(planned: Planned) -> None:
    (card,) = planned(gpus=("RTX 4090",)).cards
    assert card.seconds == card.session.set_up + card.caching + card.training
    assert card.session.rental.hours == card.seconds / 3600
    each = [cost.dollars(offer, card.session.rental) for offer in card.offers]
    assert card.dollars == (min(low for low, _ in each), max(high for _, high in each))
    stored = [(offer, low) for offer, (low, _) in zip(card.offers, each, strict=True) if offer.storage]
    assert stored and all(low > offer.low * card.session.rental.hours for offer, low in stored)
    assert card.training == pytest.approx(card.steps.steps * card.seconds_a_step, rel=0.01)


def test_a_faster_line_is_less_set_up(planned: Planned) -> None:
    slow, fast = (planned("", gpus=("RTX 4090",), mbits=mbits).cards[0] for mbits in (100.0, 1000.0))
    bytes_fetched = ENVIRONMENT + 2.1e9  # beside the environment, SD 1.5's pruned weights
    assert slow.session.set_up - fast.session.set_up == pytest.approx(
        bytes_fetched * 8 * (1 / 100e6 - 1 / 1000e6), rel=0.02
    )


def test_disk_and_traffic_grow_with_the_base(planned: Planned) -> None:
    small, large = (
        planned(gpus=("RTX 4090",), base=base).cards[0].session.rental for base in ("sd15", "sdxl")
    )
    assert (small.disk, large.disk) == (30, 50)  # GB: more than the 8 or 10 of Vast.ai's own default
    assert large.down - small.down == pytest.approx(6.94 - 2.13, abs=0.05)
    assert large.up > small.up


def test_a_card_of_no_preset_by_its_figures(planned: Planned) -> None:
    (card,) = planned("train_batch_size = 3", figures=(24, 165.2)).cards
    (known,) = planned("train_batch_size = 3", gpus=("RTX 4090",)).cards
    assert card.preset.name == "your 24 GB card"
    assert (card.pace, card.free, card.dollars) == (known.pace, known.free, None)
    (named,) = planned(figures=(24, 165.2), gpus=("RTX 5070 Ti",)).cards
    assert named.preset.name == "RTX 5070 Ti"


def test_sdxl_of_a_folder(planned: Planned) -> None:
    (card,) = planned(base="sdxl", gpus=("RTX 4090",)).cards
    assert card.load.size[0] * card.load.size[1] > 900_000
    assert card.need.likely > 6 * 2**30


def test_each_card_has_the_config_that_it_trains(planned: Planned) -> None:
    """A T4 has no bf16."""
    found = {card.preset.name: card.config for card in planned("", gpus=("T4", "RTX 4090")).cards}
    assert {name: own.get("mixed_precision") for name, own in found.items()} == {
        "T4": "fp16",
        "RTX 4090": "bf16",
    }


@pytest.mark.parametrize(
    "wrong", ["caption_extension = 1", "reg_data_dir = 2", 'vae = "https://example.org/a"']
)
def test_what_files_are_looked_for_by_is_checked_before_they_are(planned: Planned, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong.split()[0]):
        planned(wrong)


def test_an_unknown_card_is_told_with_its_nearest(planned: Planned) -> None:
    with pytest.raises(UsageError, match="RTX 4099") as refused:
        planned(gpus=("RTX 4099",))
    assert "RTX 4090" in str(refused.value.why)
    assert "--vram" in str(refused.value.hint)


def test_nothing_that_fits_says_by_how_much(planned: Planned) -> None:
    with pytest.raises(MachineError, match=r"GiB are needed, and 3\.7 are free") as refused:
        planned(base="sdxl", figures=(4, 10.0))
    assert refused.value.code == 8
    assert "A card with more memory" in str(refused.value.hint), "neither 512 px nor dim 16 would help"


def test_what_is_said_to_help_helps(planned: Planned) -> None:
    with pytest.raises(MachineError) as refused:
        planned("network_dim = 4096", gpus=("T4",))
    assert str(refused.value.hint) == "It would with --set network_dim=16"
    assert planned("network_dim = 4096", gpus=("T4",), words=("network_dim=16",)).cards


def test_a_budget_keeps_what_it_holds(planned: Planned) -> None:
    all_of = planned().cards
    dollars = sorted(card.dollars[0] for card in all_of if card.dollars)
    found = planned(budget=dollars[3])
    assert len(found.cards) >= 4
    assert all(card.dollars and card.dollars[0] <= dollars[3] for card in found.cards)
    assert len(found.cards) + len(found.over_budget) == len(all_of)


def test_a_budget_that_holds_none_names_the_nearest_and_what_to_cut(planned: Planned) -> None:
    cheapest = planned().cards[0]
    assert cheapest.dollars is not None
    with pytest.raises(UsageError, match=r"\$0.00 holds none of them") as refused:
        planned(budget=0.004)
    assert f"the nearest is {cheapest.preset.name}" in str(refused.value)
    assert "set-up alone is $0.0" in str(refused.value.hint)


def test_what_to_cut_then_fits(planned: Planned) -> None:
    """A hundred epochs; the budget holds some of them."""
    text = "max_train_epochs = 100"
    (card,) = planned(text, gpus=("RTX 4090",)).cards
    assert card.dollars is not None
    with pytest.raises(UsageError) as refused:
        planned(text, gpus=("RTX 4090",), budget=card.dollars[0] / 2)
    left = str(refused.value.hint).rpartition("max_train_epochs=")[2]
    assert 1 < int(left) < 50, "set-up costs the same"
    assert planned(f"max_train_epochs = {left}", gpus=("RTX 4090",), budget=card.dollars[0] / 2).cards


def test_a_budget_on_a_card_without_a_price(planned: Planned) -> None:
    with pytest.raises(UsageError, match="No price"):
        planned(budget=5.0, figures=(24, 165.2))


def test_errors_are_those_of_run(planned: Planned, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bucket_reso_steps"):
        planned("bucket_reso_steps = 32\nenable_bucket = true")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises((DatasetError, UsageError)):
        plan.run(PlanRequest(empty), Places(tmp_path / "home"), {})


def test_nothing_is_written(planned: Planned, photos: Path) -> None:
    planned("")
    before = sorted(photos.parent.rglob("*"))
    planned("")
    assert sorted(photos.parent.rglob("*")) == before


def test_a_processor_that_starts_the_kernels_is_a_bound(planned: Planned) -> None:
    """One image of SD 1.5 at once leaves an H100 waiting."""
    slow, fast = (planned("train_batch_size = 1", gpus=(name,)).cards[0] for name in ("RTX 4090", "H100 SXM"))
    assert fast.pace.bound_by_launches
    assert fast.pace.seconds == slow.pace.seconds > fast.pace.flops / (989e12 * speed.utilisation((9, 0)))
