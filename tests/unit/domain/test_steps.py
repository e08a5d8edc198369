"""Steps as the engine counts them; the figures of real runs (engine contract, section 2)."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.steps import (
    StepPlan,
    balanced_repeats,
    epochs_for,
    micro_batch,
    plan,
    save_every,
    shorter_epoch,
)


@pytest.mark.parametrize(
    ("passes", "batch", "accumulation", "epochs", "expected"),
    [
        ([15, 11, 9], 4, 1, 1, StepPlan(10, 10, 1, 10)),
        ([15, 11, 9], 4, 3, 2, StepPlan(10, 4, 2, 8)),
        ([15, 11, 9], 3, 2, 3, StepPlan(12, 6, 3, 18)),
        ([18], 2, 2, 2, StepPlan(9, 5, 2, 10)),
        ([500], 4, 1, 10, StepPlan(125, 125, 10, 1250)),  # the guide's 50 images x 10
        ([], 4, 1, 10, StepPlan(0, 0, 10, 0)),
    ],
)
def test_steps_of_whole_epochs(
    passes: list[int], batch: int, accumulation: int, epochs: int, expected: StepPlan
) -> None:
    assert plan(passes, batch=batch, accumulation=accumulation, epochs=epochs) == expected


@pytest.mark.parametrize(
    ("passes", "max_steps", "expected"),
    [
        ([18], 13, StepPlan(9, 9, 2, 13)),  # stops in the middle of the second epoch
        ([18], 18, StepPlan(9, 9, 2, 18)),
        ([18], None, StepPlan(9, 9, 178, 1600)),  # the engine's default
        ([], 10, StepPlan(0, 0, 0, 10)),
    ],
)
def test_steps_asked_for(passes: list[int], max_steps: int | None, expected: StepPlan) -> None:
    assert plan(passes, batch=2, max_steps=max_steps) == expected


def test_epochs_win_over_steps() -> None:
    assert plan([18], batch=2, epochs=1, max_steps=1000).steps == 9


@pytest.mark.parametrize(
    ("target", "per_epoch", "epochs"), [(1500, 125, 12), (1500, 140, 11), (1500, 4000, 1), (1500, 0, 1)]
)
def test_epochs_nearest_to_the_target(target: int, per_epoch: int, epochs: int) -> None:
    assert epochs_for(target, per_epoch) == epochs


def test_auto_repeats_make_an_epoch_of_200_to_400() -> None:
    assert [n for n in range(1, 401) if not 200 <= n * balanced_repeats([n])[0] <= 400] == []


@pytest.mark.parametrize("images", [401, 5000])
def test_many_images_are_seen_once(images: int) -> None:
    assert balanced_repeats([images]) == (1,)


@pytest.mark.parametrize(
    ("images", "repeats"),
    [
        ((30, 30), (5, 5)),
        ((40, 10), (4, 16)),
        ((20, 20, 20), (5, 5, 5)),
        ((3, 7), (49, 21)),
        ((500, 20), (1, 25)),
    ],
)
def test_several_concepts_weigh_equally(images: tuple[int, ...], repeats: tuple[int, ...]) -> None:
    assert balanced_repeats(images) == repeats


def test_a_concept_weighs_as_much_as_those_that_are_there() -> None:
    assert balanced_repeats([20], others=[300, 500]) == (20,)


def files(epochs: int) -> int:
    """As the engine saves: every n-th epoch but the last, and the final file."""
    every = save_every(epochs)
    return sum(epoch % every == 0 for epoch in range(1, epochs)) + 1


@pytest.mark.parametrize("epochs", [5, 8, 9, 10, 16, 17, 50, 100, 333])
def test_five_to_eight_checkpoints(epochs: int) -> None:
    assert 5 <= files(epochs) <= 8


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_short_run_keeps_every_epoch(epochs: int) -> None:
    assert files(epochs) == epochs


@pytest.mark.parametrize(
    ("batch", "allowed", "micro"),
    [(4, 4, 4), (4, 8, 4), (4, 3, 2), (4, 1, 1), (6, 4, 3), (5, 4, 1), (4, 0, 1)],
)
def test_micro_batch_divides_the_batch(batch: int, allowed: int, micro: int) -> None:
    assert micro_batch(batch, allowed) == micro


@pytest.mark.parametrize(
    ("repeats", "times", "by"),
    [
        ([10], 2, 2),
        ([10], 3, 5),
        ([10, 4], 2, 2),
        ([10, 4], 3, 2),
        ([9], 2, 3),
        ([1], 2, None),
        ([10, 3], 2, None),
    ],
)
def test_fewer_repeats_for_a_shorter_epoch(repeats: list[int], times: int, by: int | None) -> None:
    assert shorter_epoch(repeats, times) == by
