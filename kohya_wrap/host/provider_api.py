"""One call to a provider's API, until it is answered; the key is in its header and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kohya_wrap import __version__
from kohya_wrap.errors import MachineError
from kohya_wrap.host import no_redirect
from kohya_wrap.host.again import OnWait, Unreachable, patiently
from kohya_wrap.host.in_time import Late, in_time

if TYPE_CHECKING:
    from urllib.error import HTTPError

_SECONDS_TO_ANSWER = 30.0  # for each word of it
_SECONDS_IN_ALL = 60.0
_LONGEST = 1 << 20  # bytes
# Said by a gateway, which had no answer of the provider itself.
_LOST = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


class _Lost(Unreachable):
    """It may have been heard."""


@dataclass(frozen=True)
class Call:
    """Attributes:
    what: "RunPod pod abc, terminate", for messages.
    by_hand: where a person does the same.
    """

    method: str
    url: str
    body: Mapping[str, Any] | None
    what: str
    by_hand: str


def ask(call: Call, key: str, pauses: Sequence[float], on_wait: OnWait) -> None:
    """Returns when the provider has accepted it.

    An answer that was lost may have been a yes: what is then "not there", or in another state already, is done. One
    that came was none, whatever it says.

    Raises:
        Unreachable: no answer, or an overloaded server, in every attempt.
        MachineError: refused.
    """
    unclear = False

    def attempt() -> None:
        nonlocal unclear
        try:
            in_time(lambda: _once(call, key, done_before=unclear), _SECONDS_IN_ALL)
        except Late:
            unclear = True
            raise _no_answer(call, f"not whole within {_SECONDS_IN_ALL:.0f} s") from None
        except _Lost:
            unclear = True
            raise

    patiently(attempt, pauses, on_wait)


def _once(call: Call, key: str, *, done_before: bool) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request

    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": f"kohya-wrap/{__version__}",  # urllib's own name is turned away by some gateways
    }
    data = None if call.body is None else json.dumps(call.body).encode()
    request = Request(call.url, data=data, headers=headers, method=call.method)
    try:
        with no_redirect.opened(request, _SECONDS_TO_ANSWER) as answer:
            body = answer.read(_LONGEST)
    except HTTPError as error:
        with error:
            _explain(call, error, key, done_before=done_before)
        return
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise _no_answer(call, str(reason).replace(key, "***") or type(reason).__name__) from None
    said = _parsed(body)
    if said is None:
        raise Unreachable(
            f"{call.what}: the answer is none of the provider's API ({body[:40].decode(errors='replace')!r}).",
            why="Something between answers in its place: a proxy, a login page of the network.",
            hint=call.by_hand,
        )
    if said.get("success") is False:  # Vast.ai says so with status 200
        raise MachineError(
            f"{call.what}: refused{_detail(said, key)}.",
            why="The provider does not want to.",
            hint=call.by_hand,
        )


def _explain(call: Call, error: HTTPError, key: str, *, done_before: bool) -> None:
    """Returns where that answer means that an earlier attempt was heard."""
    status, said = error.code, _parsed(error.read(_LONGEST)) or {}
    if done_before and status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE):
        return
    message = f"{call.what}: the provider answered {status}{_detail(said, key)}."
    if status in _LOST:
        raise _Lost(message, why="The provider's API did not answer its own gateway.", hint=call.by_hand)
    if status >= 500 or status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT):
        raise Unreachable(message, why="It is overloaded or under repair.", hint=call.by_hand)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise MachineError(message, why="Its API key is not one that may do this.", hint=call.by_hand)
    raise MachineError(message, why="It does not know this instance, or not this request.", hint=call.by_hand)


def _no_answer(call: Call, reason: str) -> _Lost:
    return _Lost(
        f"{call.what}: no answer ({reason}).",
        why="The network is down, or the provider's API is.",
        hint=call.by_hand,
    )


def _parsed(body: bytes) -> Mapping[str, Any] | None:
    """Nothing at all is an answer too; None: it is none of an API's."""
    if not body.strip():
        return {}
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return {} if said is None else said if isinstance(said, dict) else None


def _detail(said: Mapping[str, Any], key: str) -> str:
    """RFC 9457's detail (RunPod), msg (Vast.ai)."""
    text = str(said.get("detail") or said.get("msg") or said.get("message") or "")
    return f": {text.replace(key, '***')[:200].rstrip('.')}" if text else ""
