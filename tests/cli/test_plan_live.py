"""`kohya-wrap plan --live` as it is typed, before providers of our own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.loopback_provider import KEY, LoopbackProvider
from tests.fixtures.price_answers import catalogue, offer, offers
from tests.fixtures.shell import Shell

CARDS = ("--gpu", "RTX 4090", "--gpu", "RTX 3090")


@pytest.fixture
def runpod() -> Iterator[LoopbackProvider]:
    with LoopbackProvider() as provider:
        provider.answers = [(200, catalogue())]
        yield provider


@pytest.fixture
def vast() -> Iterator[LoopbackProvider]:
    with LoopbackProvider() as provider:
        provider.answers = [(200, offers(offer(dph_base=0.05, inet_down_cost=0), offer(dph_base=0.06)))]
        yield provider


@pytest.fixture
def near(shell: Shell, runpod: LoopbackProvider, vast: LoopbackProvider) -> Shell:
    urls = {"KOHYA_WRAP_RUNPOD_URL": runpod.url, "KOHYA_WRAP_VAST_URL": vast.url}
    return Shell(shell.cwd, {**shell.variables, **urls, "RUNPOD_API_KEY": KEY})


def test_today_s_prices_with_their_minute(near: Shell, guide: Path) -> None:
    answer = near("plan", guide, *CARDS, "--live")
    assert answer.code == 0, answer.err
    first = next(line for line in answer.out.splitlines() if line.startswith("RTX 4090"))
    assert re.search(r"\$0\.05 Vast\.ai \(20\d\d-\d\d-\d\d \d\d:\d\d\)$", first)
    other = next(line for line in answer.out.splitlines() if line.startswith("RTX 3090"))
    assert other.endswith("$0.10 Salad (2026-05-24)")
    assert "note: Vast.ai (" in answer.out and "2 of 2 offers pass" in answer.out
    assert "warning: " not in answer.out
    assert KEY not in answer.out + answer.err


def test_a_budget_that_holds_none_says_which_prices_it_goes_by(near: Shell, guide: Path) -> None:
    answer = near("plan", guide, *CARDS, "--live", "--budget", "0.001")
    assert answer.code == 2
    assert "2 of 2 offers pass" in answer.out + answer.err


def test_for_scripts(near: Shell, guide: Path, vast: LoopbackProvider) -> None:
    vast.answers = [(200, b"<html>")]
    answer = near("plan", guide, *CARDS, "--live", "--json")
    said = answer.envelope
    live, card = said["data"]["live"], next(one for one in said["data"]["cards"] if one["gpu"] == "RTX 4090")
    assert {name: one["state"] for name, one in live.items()} == {"RunPod": "asked", "Vast.ai": "dated"}
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", live["RunPod"]["said_at"])
    seen = {one["provider"]: one["seen"] for one in card["offers"]}
    assert len(seen["RunPod secure"]) == 16 and seen["Vast.ai"] == "2026-09"
    (warning,) = [one for one in said["findings"] if one["level"] == "warning"]
    assert warning["code"] == "live-prices-not-said" and "JSON" in warning["message"]
    assert KEY not in answer.out + answer.err


def test_who_is_not_asked_is_not_asked(
    near: Shell, guide: Path, runpod: LoopbackProvider, vast: LoopbackProvider
) -> None:
    answer = near("plan", guide, *CARDS, "--json")
    assert answer.envelope["data"]["live"] is None
    assert runpod.asked == vast.asked == []


def test_of_several_configs_and_commands_each_is_asked_once(
    near: Shell, guide: Path, runpod: LoopbackProvider, vast: LoopbackProvider
) -> None:
    vast.answers = [(500, {})] * 2
    answer = near("plan", guide, guide, guide, *CARDS, "--live")
    assert answer.code == 0, answer.err
    assert answer.out.count("warning: Vast.ai answers 500") == 1
    assert near("plan", guide, "--live", *CARDS).code == 0
    assert (len(runpod.asked), len(vast.asked)) == (1, 2)


def test_who_hangs_delays_it_by_no_more(
    near: Shell, guide: Path, runpod: LoopbackProvider, vast: LoopbackProvider
) -> None:
    runpod.trickles = vast.trickles = True
    begun = time.monotonic()
    answer = near("plan", guide, *CARDS, "--live", KOHYA_WRAP_PRICE_SECONDS="1")
    assert answer.code == 0 and time.monotonic() - begun < 8
    assert answer.out.count("has not answered within 1 s. Its prices are the dated table's") == 2
    assert "(2026-05-24)" in answer.out


def test_a_wrong_command_asks_nobody(near: Shell, guide: Path, runpod: LoopbackProvider) -> None:
    assert near("plan", guide, "--live", "--gpu", "RTX 4099").code == 2
    assert runpod.asked == []
