"""Which card `--gpu` means."""

from __future__ import annotations

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import UsageError
from kohya_wrap.workflow import machine
from tests.unit.workflow.conftest import RTX_3090, T4

RTX_3080 = Gpu("GPU-3080", "NVIDIA GeForce RTX 3080", 10 << 30, (8, 6))


@pytest.mark.parametrize(
    ("wanted", "card", "here"),
    [
        ("auto", "T4", T4),
        ("cpu", "cpu", None),
        ("RTX 3090", "RTX 3090", RTX_3090),
        ("24 GB", "RTX 3090", RTX_3090),
        ("16GB", "T4", T4),
        ("RTX 3080", "8 GB card", RTX_3080),  # has no preset, but is here
        ("48 GB", "A40", None),
        ("4090", "RTX 4090", None),
    ],
)
def test_the_card_meant(cards: list[Gpu], wanted: str, card: str, here: Gpu | None) -> None:
    cards += [T4, RTX_3080, RTX_3090]
    chosen = machine.choose(presets.load(resources.presets()), wanted, {})
    assert chosen is not None
    assert (chosen.preset.name, chosen.gpu) == (card, here)


@pytest.mark.parametrize(
    ("wanted", "why", "hint"),
    [
        ("RTX 3080", "RTX 3090", '--gpu "8 GB"'),
        ("V100 32GB", "V100 16GB", '--gpu "32 GB"'),
        ("6 GB", "Known are 8 GB card, A10, ", '--gpu "8 GB"'),
    ],
)
def test_no_such_card(cards: list[Gpu], wanted: str, why: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        machine.choose(presets.load(resources.presets()), wanted, {})
    assert why in error.value.why
    assert error.value.hint.startswith(hint)


@pytest.mark.parametrize(("written", "card"), [("RTX 4090", "RTX 4090"), ("RTX 3080", "cpu"), ("", "cpu")])
def test_a_rehearsal_is_of_the_card_that_the_config_was_written_for(written: str, card: str) -> None:
    assert machine.of_rehearsal(presets.load(resources.presets()), written) == card
