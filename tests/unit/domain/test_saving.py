"""Which checkpoints the user keeps, as the engine would have kept them (engine contract, section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.saving import Saved, Saving


def of(epochs: int = 10, **options: Any) -> Saving:
    return Saving.of(settle([Layer(Origin.FILE, options)]), epochs)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"save_every_n_epochs": 2}, [2, 4, 6, 8, 10]),
        ({"save_n_epoch_ratio": 3}, [3, 6, 9]),
        ({"save_n_epoch_ratio": 30}, list(range(1, 11))),
        ({"save_n_epoch_ratio": 3, "save_every_n_epochs": 2}, [3, 6, 9]),
        ({"save_every_n_steps": 5}, []),
    ],
)
def test_epochs_that_are_kept(options: dict[str, Any], kept: list[int]) -> None:
    saving = of(**options)
    assert [epoch for epoch in range(1, 11) if saving.keeps(Saved(epoch=epoch))] == kept
    assert saving.keeps(Saved(step=5))


@pytest.mark.parametrize(
    ("stem", "written"),
    [
        ("cat", True), ("cat-000002", True), ("cat-000003", False), ("cat-000010", False), ("cat-000012", False),
        ("cat-step00000015", True), ("cat-step00000016", False), ("cat-step00000060", False), ("cats", False),
        ("cat-2", False), ("cat-000002-1", False), ("dog", False),
    ],
)  # fmt: skip
def test_names_that_a_training_writes(stem: str, written: bool) -> None:
    assert of(save_every_n_epochs=2, save_every_n_steps=5).writes(stem, "cat", 10, 50) is written
    assert not of(save_every_n_epochs=2).writes("cat-step00000015", "cat", 10, 50)


def test_an_epoch_that_is_kept_in_any_case() -> None:
    assert Saving(every_epochs=4, also=3).keeps(Saved(epoch=3))


@pytest.mark.parametrize(
    ("options", "saved", "gone"),
    [
        ({"save_every_n_epochs": 1, "save_last_n_epochs": 2}, Saved(epoch=3), Saved(epoch=1)),
        ({"save_every_n_epochs": 1, "save_last_n_epochs": 2}, Saved(epoch=2), None),
        ({"save_every_n_epochs": 2, "save_last_n_epochs": 2}, Saved(epoch=8), Saved(epoch=4)),
        ({"save_every_n_epochs": 2}, Saved(epoch=8), None),
        ({"save_every_n_steps": 5, "save_last_n_steps": 5}, Saved(step=15), Saved(step=5)),
        ({"save_every_n_steps": 5, "save_last_n_steps": 0}, Saved(step=15), Saved(step=10)),
        ({"save_every_n_steps": 5}, Saved(step=15), None),
    ],
)
def test_the_one_that_goes(options: dict[str, Any], saved: Saved, gone: Saved | None) -> None:
    assert of(**options).outlived(saved) == gone


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("lo-000012", Saved(epoch=12)),
        ("lo-step00000120", Saved(step=120)),
        ("lo", Saved()),
        ("lo-000012-000003", Saved()),
    ],
)
def test_names(name: str, saved: Saved) -> None:
    assert Saved.from_name(name, "lo") == saved
    assert Saved.from_name("lo-000012-000003", "lo-000012") == Saved(epoch=3)
    if saved != Saved():
        assert saved.name("lo") == name


def test_the_engine_saves_each_epoch_and_keeps_two_states() -> None:
    given = of(save_every_n_epochs=5, save_last_n_epochs=1, save_every_n_steps=7).for_engine()
    assert given == {
        "save_every_n_epochs": 1, "save_state": True, "save_n_epoch_ratio": None, "save_last_n_epochs": None,
        "save_last_n_epochs_state": 2, "save_last_n_steps": None, "save_last_n_steps_state": 7,
    }  # fmt: skip
