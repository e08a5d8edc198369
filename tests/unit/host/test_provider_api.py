"""One call to a provider: which answers are a yes, which are asked for again, and where the key never is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from kohya_wrap.errors import MachineError
from kohya_wrap.host import provider_api
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.provider_api import Call
from tests.fixtures.loopback_provider import KEY, LoopbackProvider


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider() as provider:
        yield provider


def ask(provider: LoopbackProvider, attempts: int = 3) -> list[str]:
    waits: list[str] = []
    call = Call("POST", f"{provider.url}/v2/pods/x/action", {"action": "terminate"}, "pod x", "by hand")
    provider_api.ask(call, KEY, (0.0,) * (attempts - 1), waits.append)
    return waits


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_asked_again(provider: LoopbackProvider, status: int) -> None:
    provider.answers = [(status, {}), (status, {})]
    assert len(ask(provider)) == 2
    assert len(provider.accepted) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_refused_at_once(provider: LoopbackProvider, status: int) -> None:
    provider.answers = [(status, {"detail": f"not with {KEY}\nat all"})]
    with pytest.raises(MachineError) as raised:
        ask(provider)
    assert len(provider.asked) == 1 and str(status) in raised.value.message
    assert KEY not in str(vars(raised.value))


@pytest.mark.parametrize("lost", [502, 504, None])
@pytest.mark.parametrize("status", [404, 409, 410])
def test_gone_after_an_answer_that_was_lost(
    provider: LoopbackProvider, status: int, lost: int | None
) -> None:
    provider.answers = [(lost, {}), (status, {})]
    ask(provider)
    assert len(provider.asked) == 2


@pytest.mark.parametrize("no", [429, 408, 500, 503])
@pytest.mark.parametrize("status", [404, 409, 410])
def test_gone_after_an_answer_that_came_is_no_yes(provider: LoopbackProvider, status: int, no: int) -> None:
    provider.answers = [(no, {}), (status, {})]
    with pytest.raises(MachineError, match=f"answered {status}"):
        ask(provider)


@pytest.mark.parametrize("answer", ["fine", [1, 2], 7, b"<html>login</html>"])
def test_a_yes_of_somebody_else_is_none(provider: LoopbackProvider, answer: Any) -> None:
    provider.answers = [(200, answer), (200, answer)]
    with pytest.raises(Unreachable, match="none of the provider's API"):
        ask(provider, attempts=2)
    provider.answers = [(200, answer)]
    assert len(ask(provider, attempts=2)) == 1


def test_an_answer_that_never_ends(provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_api, "_SECONDS_IN_ALL", 0.5)
    provider.trickles = True
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer"):
        ask(provider, attempts=2)
    assert time.monotonic() - began < 5


def test_a_no_with_status_200(provider: LoopbackProvider) -> None:
    provider.answers = [(200, {"success": False, "msg": "no such instance"})]
    with pytest.raises(MachineError, match="refused: no such instance"):
        ask(provider)


@pytest.mark.parametrize("answer", [None, {}, b"", {"id": "x"}, {"success": True}])
def test_a_yes_in_any_words(provider: LoopbackProvider, answer: Any) -> None:
    provider.answers = [(200, answer)]
    ask(provider)


@pytest.mark.parametrize("status", [301, 307])
def test_the_key_is_given_to_nobody_else(provider: LoopbackProvider, status: int) -> None:
    provider.answers = [(status, {})]
    with pytest.raises(MachineError):
        ask(provider)
    assert [path for _, path, _ in provider.asked] == ["/v2/pods/x/action"]


def test_never_answered() -> None:
    waits: list[str] = []
    with pytest.raises(Unreachable, match="no answer"):
        provider_api.ask(
            Call("PUT", "http://127.0.0.1:9/", None, "it", "by hand"), KEY, (0.0, 0.0), waits.append
        )
    assert len(waits) == 2
