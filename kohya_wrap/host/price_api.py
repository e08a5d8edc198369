"""One question to a provider's price list, asked once; a key is in its header and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kohya_wrap import __version__
from kohya_wrap.host import no_redirect
from kohya_wrap.host.webhook import Webhook

_LONGEST = 8 << 20  # bytes


class NoAnswer(Exception):
    """Attributes:
    reason: to stand after the provider's name; nothing of what was sent or came is in it.
    wants_key: it asks who is there.
    """

    def __init__(self, reason: str, *, wants_key: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wants_key = reason, wants_key


@dataclass(frozen=True)
class Question:
    """Attributes:
    body: sent as JSON by POST; None: a GET.
    key: empty where none is sent.
    """

    url: str
    body: Mapping[str, Any] | None = None
    key: str = ""


def ask(question: Question, seconds: float) -> Any:
    """What it says, of whatever shape. Takes `seconds` for each word of it, so the whole is to be limited by the caller.

    Raises:
        NoAnswer: none, or none in JSON. A redirect is none: it would hand the key to another host.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    headers = {"Accept": "application/json", "User-Agent": f"kohya-wrap/{__version__}"}
    if question.body is not None:
        headers["Content-Type"] = "application/json"
    if question.key:
        headers["Authorization"] = f"Bearer {question.key}"
    data = None if question.body is None else json.dumps(question.body).encode()
    try:
        Webhook.of(question.url)
        request = Request(question.url, data=data, headers=headers)
        with no_redirect.opened(request, seconds) as answer:
            body = answer.read(_LONGEST + 1)
    except HTTPError as error:
        with error:
            raise _refused(error.code) from None
    except (HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        said = getattr(reason, "strerror", None) or type(reason).__name__
        raise NoAnswer(f"does not answer ({said})") from None
    except ValueError:
        raise NoAnswer("cannot be asked: its address is none") from None
    if len(body) > _LONGEST:
        raise NoAnswer(f"answers more than {_LONGEST >> 20} MB")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NoAnswer("does not answer in JSON: a page, perhaps a proxy's") from None


def _refused(status: int) -> NoAnswer:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return NoAnswer(f"answers {status}", wants_key=True)
    return NoAnswer(
        f"answers {status}" + (", a redirect, which is not followed" if 300 <= status < 400 else "")
    )
