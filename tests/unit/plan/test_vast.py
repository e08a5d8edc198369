"""What is asked of Vast.ai, and what is taken of its offers."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain.cost import Offer
from kohya_wrap.plan import vast
from kohya_wrap.plan.asked import Answer, Card, rows
from tests.fixtures.price_answers import offer, offers

TERMS = vast.Terms.load(resources.presets())
GPUS = presets.load(resources.presets()).gpus
CARDS = [
    Card(one.name, one.nvml, tuple(TERMS.names.get(one.name, ())), one.memory_gb, (0.2, 0.8))
    for one in GPUS.values()
]


def read(*each: Any) -> Answer:
    return vast.read(rows(offers(*each), vast.KEY, TERMS.fields), "now", CARDS, TERMS)


def test_the_cheapest_as_it_is_and_the_median() -> None:
    cheap = offer(dph_base=0.28, storage_cost=0.15, inet_down_cost=0.001, inet_up_cost=0.002)
    found = read(offer(dph_base=0.5), cheap, offer(dph_base=0.31))
    assert found.offers == {
        "RTX 4090": (Offer("Vast.ai", 0.28, 0.31, "now", storage=0.15, down=0.001, up=0.002),)
    }
    assert (found.passed, found.came, found.doubted, found.whole) == (3, 3, (), True)


def test_the_cheapest_is_so_with_its_disk_and_traffic() -> None:
    """Its price an hour may then be above the median's."""
    lure = offer(dph_base=0.20, inet_down_cost=0.05)
    (found,) = read(lure, lure, offer(dph_base=0.31)).offers["RTX 4090"]
    assert (found.low, found.high, found.down) == (0.31, 0.31, 0.003)


@pytest.mark.parametrize("name", TERMS.least)
@pytest.mark.parametrize("value", [-1, 0.5, None, "1000", float("nan"), True])
def test_what_was_asked_for_is_looked_at_again(name: str, value: Any) -> None:
    name = "reliability2" if name == "reliability" else name
    found = read(offer(), offer(**{"dph_base": 0.25, name: value}))
    assert found.offers["RTX 4090"][0].low == 0.30
    assert (found.passed, found.doubted) == (1, ())


def test_both_names_of_the_reliability() -> None:
    named = {name: value for name, value in offer().items() if name != "reliability2"}
    assert read({**named, "reliability": 0.99}).passed == 1
    assert read({**named, "reliability": 0.9}).passed == read(named).passed == 0


@pytest.mark.parametrize("other", [{"num_gpus": 2}, {"num_gpus": None}, {"gpu_ram": 49140}, {"gpu_ram": "24564"},
                                   {"gpu_name": "RTX 4090D"}, {"gpu_name": ["RTX 4090"]}, {"gpu_name": None}])  # fmt: skip
def test_another_machine(other: dict[str, Any]) -> None:
    assert read(offer(**other)).offers == {}


@pytest.mark.parametrize(
    ("name", "ram", "card"),
    [
        ("A100 SXM4", 40960, "A100 40GB"),
        ("A100 SXM4", 81920, "A100 80GB SXM"),
        ("A100 PCIE", 40536, "A100 40GB"),
        ("A100 PCIE", 81251, "A100 80GB PCIe"),
        ("H200", 143771, "H200 SXM"),
        ("Tesla T4", 15360, "T4"),
        ("Tesla V100", 16384, "V100 16GB"),
        ("Tesla V100", 32768, None),
        ("RTX 4070S Ti", 16376, "RTX 4070 Ti SUPER"),
        ("RTX 6000Ada", 49140, "RTX 6000 Ada"),
        ("RTX 4060 Ti", 8188, None),
        ("L4", 23034, "L4"),
    ],
)
def test_a_card_is_known_by_name_and_memory(name: str, ram: int, card: str | None) -> None:
    assert list(read(offer(gpu_name=name, gpu_ram=ram)).offers) == ([card] if card else [])


@pytest.mark.parametrize("name, value", [("dph_base", None), ("dph_base", "0.3"), ("dph_base", -0.3), ("dph_base", 0),
                                         ("dph_base", float("nan")), ("dph_base", float("inf")), ("dph_base", 10**400),
                                         ("dph_base", 0.03), ("dph_base", 5.0), ("dph_base", True),
                                         ("storage_cost", None), ("storage_cost", -1), ("storage_cost", 11),
                                         ("inet_down_cost", float("nan")), ("inet_up_cost", "free")])  # fmt: skip
def test_a_lie_is_left_out_and_said(name: str, value: Any) -> None:
    found = read(offer(), offer(**{name: value}))
    assert found.passed == 1 and found.offers["RTX 4090"][0].low == 0.30
    (said,) = found.doubted
    assert said.startswith("RTX 4090 ")


def test_as_many_as_were_asked_for_are_not_all() -> None:
    limit = TERMS.request()["limit"]
    assert not read(*[offer()] * limit).whole
    assert read(*[offer()] * (limit - 1)).whole


def test_the_request_says_what_is_looked_at() -> None:
    asked = TERMS.request()
    for name, value in TERMS.least.items():
        assert asked[name] == {"gte": value}
    assert asked["verified"] == asked["rentable"] == {"eq": True}
    assert asked["rented"] == asked["external"] == {"eq": False}
    assert asked["num_gpus"] == {"eq": 1}
    assert asked["allocated_storage"] == TERMS.least["disk_space"]
    assert {"RTX 4090", "A100 SXM4", "Tesla T4"} <= set(asked["gpu_name"]["in"])


def test_every_card_has_a_name_there_and_a_name_of_a_size_is_of_one_card() -> None:
    assert set(TERMS.names) == {name for name, preset in GPUS.items() if preset.nvml}
    for one, other in combinations(CARDS, 2):
        if set(one.vast) & set(other.vast):
            assert one.memory_gb * 1.1 < other.memory_gb * 0.9 or other.memory_gb * 1.1 < one.memory_gb * 0.9
