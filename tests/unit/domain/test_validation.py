"""Which images are trained on where some are set aside; held to the engine's own split in tests/engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain import validation
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.dataset import CaptionFacts, ImageFacts, Inventory, Subset, TrainingImage


def config(**values: object) -> TrainingConfig:
    return settle([Layer(Origin.FILE, values)])


def folder(name: str, count: int) -> Subset:
    facts, caption = ImageFacts((64, 64), "PNG", frozenset(), ""), CaptionFacts(None, "x")
    images = tuple(TrainingImage(Path(name, f"{number:02}.png"), facts, caption) for number in range(count))
    return Subset(Path(name), 3, "x", images)


FOUND = Inventory((folder("3_a", 8), folder("3_b", 5)), ".txt", ())


@pytest.mark.parametrize(("share", "left"), [(0.25, (6, 4)), (0.1, (8, 5)), (0.5, (4, 3)), (0.9, (1, 1))])
def test_a_share_of_each_folder(share: float, left: tuple[int, int]) -> None:
    found = validation.trained(FOUND, config(validation_split=share, validation_seed=7))
    assert tuple(len(subset.images) for subset in found.subsets) == left
    assert found.sized() == [((64, 64), 3)] * sum(left)


def test_the_seed_says_which() -> None:
    def names(**values: object) -> set[str]:
        found = validation.trained(FOUND, config(validation_split=0.5, **values))
        return {str(image.path) for subset in found.subsets for image in subset.images}

    assert names(validation_seed=7) == names(validation_seed=7) != names(validation_seed=8)
    assert names() == names(validation_seed=validation.SEED)


def test_without_it_all() -> None:
    assert validation.trained(FOUND, config()) is FOUND
    assert validation.trained(FOUND, config(validation_split=0.0)) is FOUND
