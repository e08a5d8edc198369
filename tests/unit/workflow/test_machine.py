"""Which card `--gpu` means."""

from __future__ import annotations

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import MachineError, UsageError
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
        ("H100 NVL", "are H100 PCIe, H100 SXM", '--gpu "80 GB"'),
        ("B200", "H200 SXM", '--gpu "141 GB"'),
        ("RTX PRO 6000", "RTX 6000 Ada", '--gpu "80 GB"'),
        ("RTX 2080 Ti", "RTX 3090 Ti", '--gpu "8 GB"'),
        ("RTX 4070 Ti", "RTX 4070 Ti SUPER", '--gpu "12 GB"'),
        ("RTX 5050", "RTX 5090", '--gpu "8 GB"'),
        ("A30", "A40", '--gpu "24 GB"'),
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


@pytest.mark.parametrize("wanted", ["RTX 4090", "3090", "cpu"])
def test_who_only_looks_at_a_config_asks_no_driver_for_a_card_it_knows(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setattr(machine.gpus, "gpus", lambda: pytest.fail("NVML was asked"))
    known = presets.load(resources.presets())
    chosen = machine.named(known, wanted, {})
    assert chosen is not None and chosen.preset is known.by_name(wanted) and chosen.gpu is None


@pytest.mark.parametrize(("wanted", "card"), [("auto", T4), ("16 GB", T4), ("RTX 3080", RTX_3080)])
def test_it_is_asked_where_it_decides(cards: list[Gpu], wanted: str, card: Gpu) -> None:
    cards += [T4, RTX_3080]
    chosen = machine.named(presets.load(resources.presets()), wanted, {})
    assert chosen is not None and chosen.gpu == card


def test_the_cards_of_several_trainings(cards: list[Gpu]) -> None:
    assert machine.numbered("0,1", {}) == {"0": "0", "1": "1"}, "none here: a rehearsal"
    cards += [T4, RTX_3080, RTX_3090]
    assert machine.numbered("2, 0", {}) == {"2": "GPU-3090", "0": "GPU-7"}
    assert machine.numbered("0", {"CUDA_VISIBLE_DEVICES": "2,1"}) == {"0": "GPU-3090"}
    with pytest.raises(MachineError, match="There is no GPU 3, 7 here: 3 can be used"):
        machine.numbered("0,3,7", {})
