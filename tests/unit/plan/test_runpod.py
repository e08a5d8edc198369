"""What is taken of RunPod's catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.cost import Offer
from kohya_wrap.plan import runpod
from kohya_wrap.plan.asked import Answer, Card, WrongShape, rows
from tests.fixtures.price_answers import catalogue, gpu

CARDS = (
    Card("RTX 4090", ("NVIDIA GeForce RTX 4090",), (), 24, (0.2, 0.8)),
    Card("RTX 5080", ("NVIDIA GeForce RTX 5080",), (), 16, None),
)
BESIDE = {"RunPod secure": {"storage": 0.1}}


def read(told: object) -> Answer:
    return runpod.read(rows(told, runpod.KEY, runpod.FIELDS), "now", CARDS, BESIDE)


def test_a_price_of_each_cloud_and_what_it_asks_beside() -> None:
    found = read(catalogue(gpu(), gpu(id="AMD Instinct MI300X OAM", memory=192)))
    assert found.offers == {
        "RTX 4090": (
            Offer("RunPod community", 0.36, 0.36, "now"),
            Offer("RunPod secure", 0.71, 0.71, "now", storage=0.1),
        )
    }
    assert (found.passed, found.came, found.doubted, found.whole) == (2, 4, (), True)


@pytest.mark.parametrize(
    "other",
    [
        {"community": False},
        {"community": None},
        {"community": "yes"},
        {"price": {"secure": 0.71, "community": 0}},
    ],
)
def test_a_cloud_that_it_is_not_on(other: dict[str, Any]) -> None:
    found = read(catalogue(gpu(**other)))
    assert [one.provider for one in found.offers["RTX 4090"]] == ["RunPod secure"]
    assert found.doubted == ()


@pytest.mark.parametrize("memory", [48, "24", None, True, float("nan"), 10**400])
def test_a_card_of_that_name_with_other_memory(memory: Any) -> None:
    assert read(catalogue(gpu(memory=memory))).offers == {}


@pytest.mark.parametrize(
    "price",
    [None, "0.36", True, [0.36], -0.36, float("nan"), float("inf"), 10**400, 51, 0.039, 4.01],
)
def test_a_lie_is_left_out_and_said(price: Any) -> None:
    found = read(catalogue(gpu(price={"secure": 0.71, "community": price})))
    assert [one.provider for one in found.offers["RTX 4090"]] == ["RunPod secure"]
    (said,) = found.doubted
    assert said.startswith("RTX 4090 for ")


@pytest.mark.parametrize("price", [0.041, 3.99])
def test_what_markets_do_is_no_lie(price: float) -> None:
    assert read(catalogue(gpu(price={"secure": 0.71, "community": price}))).doubted == ()


@pytest.mark.parametrize("price", [51, -1])
def test_a_card_that_was_never_priced_is_held_to_what_any_costs(price: float) -> None:
    strange = gpu(id="NVIDIA GeForce RTX 5080", memory=16, price={"secure": 49, "community": price})
    found = read(catalogue(strange))
    assert [one.low for one in found.offers["RTX 5080"]] == [49]
    assert found.doubted == (f"RTX 5080 for ${price} an hour",)


@pytest.mark.parametrize("told", [None, [], "gpus", {}, {"gpus": None}, {"gpus": {"a": 1}}, {"data": []}])
def test_another_shape(told: object) -> None:
    with pytest.raises(WrongShape):
        read(told)


@pytest.mark.parametrize("row", [None, 3, "x", [], {}, gpu(id=["x"]), gpu(id=None)])
def test_rows_of_another_shape_are_none(row: Any) -> None:
    assert read(catalogue(row)).offers == {}
    assert "RTX 4090" in read(catalogue(row, gpu())).offers


@pytest.mark.parametrize("price", [None, 0.36, ["secure"]])
def test_prices_of_another_shape_are_lies(price: Any) -> None:
    found = read(catalogue(gpu(price=price)))
    assert found.offers == {} and len(found.doubted) == 2


def test_the_same_card_twice_is_one() -> None:
    found = read(catalogue(gpu(), gpu(price={"secure": 0.7, "community": 0.3})))
    assert len(found.offers["RTX 4090"]) == found.passed == 2
