"""Today's prices from servers that answer, hang, refuse and lie; never more than the dated table's at worst."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap import resources
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import UsageError
from kohya_wrap.places import Places
from kohya_wrap.plan import prices, vast
from kohya_wrap.workflow import live_prices
from kohya_wrap.workflow.live_prices import Live
from tests.fixtures.loopback_provider import KEY, LoopbackProvider
from tests.fixtures.price_answers import catalogue, gpu, offer, offers

DATED = prices.load(resources.presets()).offers


@dataclass
class World:
    runpod: LoopbackProvider
    vast: LoopbackProvider
    places: Places

    def ask(self, **env: str) -> Live:
        urls = {"KOHYA_WRAP_RUNPOD_URL": self.runpod.url, "KOHYA_WRAP_VAST_URL": self.vast.url}
        return live_prices.of(self.places, {**urls, "KOHYA_WRAP_PRICE_SECONDS": "5", **env})

    def answers(self, runpod: Any = None, vast: Any = None) -> None:
        self.runpod.answers.append((200, catalogue() if runpod is None else runpod))
        self.vast.answers.append((200, offers() if vast is None else vast))

    @property
    def asked(self) -> tuple[int, int]:
        return len(self.runpod.asked), len(self.vast.asked)

    def grow_old(self, seconds: float) -> None:
        for path in self.places.prices.glob("*.json"):
            told = json.loads(path.read_text())
            path.write_text(json.dumps({**told, "at": told["at"] - seconds}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with LoopbackProvider() as runpod, LoopbackProvider() as vast:
        yield World(runpod, vast, Places(tmp_path / "wrap"))


def of(live: Live, provider: str, card: str = "RTX 4090") -> Any:
    return next((one for one in live.offers[card] if one.provider == provider), None)


def said(live: Live, level: Level, provider: str = "") -> list[str]:
    return [one.message for one in live.findings if one.level is level and one.message.startswith(provider)]


def dated(live: Live, *providers: str) -> bool:
    """Whether all that these are said to ask is the table's."""

    def theirs(offers: Mapping[str, Any]) -> set[Any]:
        return {(card, one) for card, each in offers.items() for one in each if one.provider in providers}

    return bool(theirs(DATED)) and theirs(live.offers) == theirs(DATED)


RUNPOD = ("RunPod community", "RunPod secure")


def test_today_s_replace_the_dated_of_their_provider_alone(world: World) -> None:
    world.answers()
    before = time.strftime("%Y-%m-%d %H:%M")
    live = world.ask()
    community, secure, own = (of(live, name) for name in (*RUNPOD, "Vast.ai"))
    assert (community.low, secure.low, own.low, own.high) == (0.36, 0.71, 0.30, 0.34)
    assert before <= community.seen == own.seen <= time.strftime("%Y-%m-%d %H:%M")
    assert (community.storage, own.storage, own.down) == (0.10, 0.2, 0.003)
    assert dated(live, "Salad", "Lambda")
    # A card that neither has today has no price of theirs; a table is asked about what it knows.
    assert not {one.provider for one in live.offers["RTX 3090"]} & {*RUNPOD, "Vast.ai"}
    assert said(live, Level.WARNING) == []
    runpod, vast_ai = said(live, Level.NOTE)
    assert "2 of 2" in runpod and "3 of 3 offers pass" in vast_ai and "reliability at least 0.98" in vast_ai
    assert {name: one["state"] for name, one in live.how.items()} == {"RunPod": "asked", "Vast.ai": "asked"}


def test_what_is_asked(world: World) -> None:
    world.answers()
    world.ask()
    assert world.runpod.asked == [("GET", "/v2/catalog/gpus", None)]
    assert world.vast.asked == [("POST", "/api/v0/bundles/", vast.Terms.load(resources.presets()).request())]
    assert world.runpod.keys == world.vast.keys == [""]


def test_the_key_is_runpod_s_alone_and_nowhere_else(world: World) -> None:
    world.answers(runpod=catalogue(gpu(), gpu(id=KEY), gpu(price={"secure": KEY, "community": 0.3})))
    live = world.ask(RUNPOD_API_KEY=KEY)
    assert world.runpod.keys == [f"Bearer {KEY}"] and world.vast.keys == [""]
    assert (world.places.prices / "runpod.json").is_file()
    assert not any(KEY in path.read_text() for path in world.places.prices.iterdir())
    assert KEY not in repr(live)


def test_a_key_that_cannot_stand_in_a_header_is_not_sent(world: World) -> None:
    world.answers()
    live = world.ask(RUNPOD_API_KEY=f"{KEY}\nX: y")
    assert world.runpod.keys == [""] and KEY not in repr(live)


@pytest.mark.parametrize("status", [401, 403])
def test_runpod_wants_a_key(world: World, status: int) -> None:
    world.answers()
    world.runpod.answers = [(status, {"detail": f"not with {KEY}"})]
    live = world.ask()
    (finding,) = [one for one in live.findings if one.level is Level.WARNING]
    assert finding.message.startswith(
        f"RunPod answers {status}: it wants an API key. Its prices are the dated"
    )
    assert finding.hint == "export RUNPOD_API_KEY=..."
    assert dated(live, *RUNPOD) and of(live, "Vast.ai").low == 0.30
    world.runpod.answers = [(status, {"detail": f"not with {KEY}"})]
    live = world.ask(RUNPOD_API_KEY=KEY)
    assert "does not take RUNPOD_API_KEY" in said(live, Level.WARNING)[0] and KEY not in repr(live)


def test_who_hangs_is_waited_for_so_long_and_the_other_is_heard(world: World) -> None:
    world.answers()
    world.vast.trickles = True
    begun = time.monotonic()
    live = world.ask(KOHYA_WRAP_PRICE_SECONDS="1")
    assert 1 <= time.monotonic() - begun < 3
    assert said(live, Level.WARNING) == [
        "Vast.ai has not answered within 1 s. Its prices are the dated table's, each with its day."
    ]
    assert dated(live, "Vast.ai") and of(live, "RunPod secure").low == 0.71
    assert live.how["Vast.ai"] == {"state": "dated", "said_at": None, "passed": 0, "of": 0}


def test_both_are_asked_at_once(world: World) -> None:
    world.runpod.trickles = world.vast.trickles = True
    world.answers()
    begun = time.monotonic()
    live = world.ask(KOHYA_WRAP_PRICE_SECONDS="1")
    assert time.monotonic() - begun < 1.8
    assert dated(live, *RUNPOD, "Vast.ai") and len(said(live, Level.WARNING)) == 2


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (200, b"<!DOCTYPE html><title>Sign in</title>", "does not answer in JSON"),
        (200, b"", "does not answer in JSON"),
        (200, b"[" * 100_000, "does not answer in JSON"),
        (200, b'{"offers": [], "gpus": [' + b" " * (8 << 20) + b"]}", "answers more than 8 MB"),
        (200, {"success": False, "msg": "no"}, "answers in another shape"),
        (200, [], "answers in another shape"),
        (200, {"offers": [], "gpus": []}, "answers without a price that can be used"),
        (200, {"offers": [1], "gpus": ["x"]}, "answers without a price that can be used"),
        (500, {"error": "x"}, "answers 500."),
        (429, {}, "answers 429."),
        (404, {}, "answers 404."),
        (307, {}, "answers 307, a redirect, which is not followed"),
        (301, {}, "answers 301, a redirect, which is not followed"),
        (None, None, "does not answer (RemoteDisconnected)"),
    ],
)
def test_what_is_no_answer_is_said_and_the_table_stays(
    world: World, status: int | None, body: Any, what: str
) -> None:
    for provider in (world.runpod, world.vast):
        provider.answers = [(status, body)]
    live = world.ask(RUNPOD_API_KEY=KEY)
    assert live.offers == DATED
    assert world.asked == (1, 1)
    for name in ("RunPod", "Vast.ai"):
        (message,) = said(live, Level.WARNING, name)
        assert what in message and "Its prices are the dated table's" in message
    assert said(live, Level.NOTE) == []
    assert not list(world.places.home.rglob("*.json"))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "nonsense", "file:///etc", "http://[", "http://a b"]
)
def test_an_address_of_nobody(world: World, address: str) -> None:
    live = world.ask(KOHYA_WRAP_RUNPOD_URL=address, KOHYA_WRAP_VAST_URL=address)
    assert live.offers == DATED and len(said(live, Level.WARNING)) == 2


def test_a_file_is_no_provider(world: World, tmp_path: Path) -> None:
    path = tmp_path / "v2" / "catalog" / "gpus"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(catalogue()))
    live = world.ask(KOHYA_WRAP_RUNPOD_URL=tmp_path.as_uri())
    assert dated(live, *RUNPOD) and "its address is none" in said(live, Level.WARNING, "RunPod")[0]


def test_lies_are_left_out_and_said_once_of_each(world: World) -> None:
    dear = gpu(price={"secure": 0.71, "community": 99})
    world.answers(catalogue(dear), offers(offer(), *[offer(dph_base=0.0001)] * 7, offer(dph_base=0.31)))
    live = world.ask()
    assert of(live, "RunPod community") is None and of(live, "RunPod secure").low == 0.71
    assert of(live, "Vast.ai").low == 0.30
    runpod, vast_ai = said(live, Level.WARNING)
    assert runpod == "RunPod: 1 offer left out, of a price that cannot be: RTX 4090 for $99 an hour."
    assert "Vast.ai: 7 offers left out" in vast_ai and "for $0.0001 an hour, where $0.18 to $0.74" in vast_ai


def test_nothing_but_lies_is_no_answer(world: World) -> None:
    world.answers(vast=offers(offer(dph_base=-1)))
    live = world.ask()
    assert dated(live, "Vast.ai")
    assert "(RTX 4090 for $-1 an hour)" in said(live, Level.WARNING)[0]


def test_where_not_all_was_said_the_table_stays_for_the_others(world: World) -> None:
    world.answers(vast=offers(*[offer()] * 1000))
    live = world.ask()
    assert of(live, "Vast.ai").low == 0.30
    assert of(live, "Vast.ai", "H100 SXM") in DATED["H100 SXM"]
    assert "it has more" in said(live, Level.NOTE, "Vast.ai")[0]


def test_within_minutes_nobody_is_asked_again(world: World) -> None:
    world.answers()
    first = world.ask()
    world.grow_old(9 * 60)
    live = world.ask()
    assert world.asked == (1, 1)
    assert (of(live, "Vast.ai").low, of(live, "RunPod secure").low) == (0.30, 0.71)
    assert of(live, "Vast.ai").seen < of(first, "Vast.ai").seen
    assert "9 minutes ago" in said(live, Level.NOTE)[0] and said(live, Level.WARNING) == []
    assert live.how["Vast.ai"]["state"] == "kept"


def test_after_that_they_are(world: World) -> None:
    world.answers()
    world.ask()
    world.grow_old(11 * 60)
    world.answers(vast=offers(offer(dph_base=0.25)))
    assert of(world.ask(), "Vast.ai").low == 0.25
    assert world.asked == (2, 2)


def test_who_does_not_answer_has_the_prices_of_hours_ago(world: World) -> None:
    world.answers()
    world.ask()
    world.grow_old(5 * 3600)
    world.runpod.answers = world.vast.answers = [(500, {}), (500, {})]
    live = world.ask()
    assert of(live, "Vast.ai").low == 0.30 and live.how["Vast.ai"]["state"] == "old"
    assert said(live, Level.WARNING, "Vast.ai") == [
        "Vast.ai answers 500. Its prices are those of 5 hours ago."
    ]


@pytest.mark.parametrize("seconds", [25 * 3600, -3600])
def test_what_is_a_day_old_or_of_tomorrow_is_none(world: World, seconds: float) -> None:
    world.answers()
    world.ask()
    world.grow_old(seconds)
    world.runpod.answers = world.vast.answers = [(500, {}), (500, {})]
    assert world.ask().offers == DATED
    assert world.asked == (2, 2)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"at": NaN, "rows": []}', '{"at": "x", "rows": []}',
                                  '{"rows": [{}]}', '{"at": 1e999, "rows": 3}', "\x00", "now"])  # fmt: skip
def test_a_broken_file_is_written_anew(world: World, text: str) -> None:
    """`now` has the moment, and nothing that is a price."""
    path = world.places.prices / "vast.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"at": time.time(), "rows": [offer(dph_base=-1)]}) if text == "now" else text)
    world.answers()
    assert of(world.ask(), "Vast.ai").low == 0.30
    assert world.asked == (1, 1)
    world.ask()
    assert world.asked == (1, 1)


def test_a_file_that_is_no_text(world: World) -> None:
    path = world.places.prices / "vast.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe\x00")
    world.answers()
    assert of(world.ask(), "Vast.ai").low == 0.30


def test_a_home_that_cannot_be_written_to(world: World) -> None:
    world.places.home.write_text("a file, no folder")
    world.answers()
    live = world.ask()
    assert of(live, "Vast.ai").low == 0.30 and said(live, Level.WARNING) == []


def test_nothing_is_left_of_a_late_answer(world: World) -> None:
    """What comes after its time is not kept: a process that ends meanwhile would leave half of it."""
    slow = threading.Event()
    world.answers()
    world.vast.answers = []
    world.vast.when_accepted = lambda: slow.wait(20) and None
    world.ask(KOHYA_WRAP_PRICE_SECONDS="0.5")
    slow.set()
    time.sleep(0.3)
    assert [path.name for path in world.places.prices.iterdir()] == ["runpod.json"]


def test_a_time_that_is_none(world: World) -> None:
    with pytest.raises(UsageError, match="KOHYA_WRAP_PRICE_SECONDS"):
        world.ask(KOHYA_WRAP_PRICE_SECONDS="soon")
