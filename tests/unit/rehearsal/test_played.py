"""What is played by something simpler: it trains, and says by what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from kohya_wrap.config import option_table
from kohya_wrap.rehearsal import network, played, trainer
from tests.unit.rehearsal.conftest import SQUARE, Bench


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"network_module": "lycoris.kohya", "network_args": ["algo=lokr"]}, "lycoris.kohya is rehearsed as networks.lora."),
        ({"network_module": "somebody.network"}, "somebody.network is rehearsed as networks.lora."),
        ({"optimizer_type": "prodigyplus.ProdigyPlusScheduleFree", "learning_rate": 1.0},
         "prodigyplus.ProdigyPlusScheduleFree is rehearsed as AdamW."),
        ({"optimizer_type": "DAdaptAdam", "learning_rate": 1.0}, "DAdaptAdam is rehearsed as AdamW."),
        ({"optimizer_type": "AdamWScheduleFree", "lr_warmup_steps": 2}, "AdamWScheduleFree is rehearsed as AdamW."),
        ({"lr_scheduler_type": "CosineAnnealingLR", "lr_scheduler": ""}, "CosineAnnealingLR is rehearsed as a constant rate."),
        ({"lr_scheduler": "polynomial"}, "the scheduler polynomial is rehearsed as a constant rate."),
        ({"sample_prompts": "x.txt"}, "no sample pictures are drawn."),
        ({}, ""),
    ],
)  # fmt: skip
def test_what_is_played_by_something_simpler(
    bench: Bench, capfd: pytest.CaptureFixture[str], options: dict[str, Any], said: str
) -> None:
    bench.images(*[SQUARE] * 4)
    path = bench.config(**{"max_train_epochs": 20, **options})
    trainer.main(network.SD15, ["--config_file", str(path)])
    weights = load_file(bench.out / "lo.safetensors")
    assert all(0 < np.abs(value).max() < 2 for value in weights.values() if value.ndim == 2)
    assert capfd.readouterr().err.count("rehearsed as") == int("rehearsed as" in said)
    assert list(played.stand_ins(options)) == ([said] if said else [])


def test_a_schedule_that_is_not_known_stays_constant(bench: Bench) -> None:
    args = trainer.options.Options(
        lr_scheduler="polynomial", lr_warmup_steps=2, max_train_steps=10, lr_scheduler_type=None
    )
    assert [network.schedule(args, step) for step in (0, 1, 2, 9)] == [0, 0.5, 1, 1]


@pytest.mark.parametrize("module", option_table.network_modules())
def test_every_network_that_check_knows_can_be_rehearsed(module: str) -> None:
    assert played.is_network(module)


def test_every_optimizer_and_scheduler_that_check_knows_can_be_rehearsed() -> None:
    known = option_table._table("arguments")
    unplayed = [name for name in known["optimizer_args"] if not played.is_optimizer(name)]
    unplayed += [
        name
        for name in known["lr_scheduler_args"]
        if name.islower() and name != "cosine_warmup_with_min_lr" and not played.is_schedule(name)
    ]
    assert unplayed == []


@pytest.mark.parametrize("name", ["banana", "networks.banana", "lycoris.banana"])
def test_what_the_engine_does_not_have_is_not_played(name: str) -> None:
    assert not played.is_network(name) and not played.is_optimizer("banana")
