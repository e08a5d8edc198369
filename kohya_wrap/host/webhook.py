"""One POST of JSON to an address that somebody gave, who may have written a token into it: only its host is ever said."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kohya_wrap.host import no_redirect

_AGENT = "kohya-wrap"  # some services turn Python's own away


class NotTaken(Exception):
    """Attributes:
    reason: without the address.
    for_good: it was understood and refused; the same again would be as well.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


@dataclass(frozen=True)
class Webhook:
    """An address that was checked by `of`; user:password@ in it is sent as HTTP's basic authorization."""

    url: str
    host: str
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, address: str) -> Webhook:
        """Raises ValueError: it is no address, and why."""
        if not address.isascii() or any(character <= " " for character in address):
            raise ValueError("it holds spaces or characters that must be percent-encoded")
        parts = urlsplit(address)
        port = parts.port  # ValueError where it is no number
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is not http(s)://host/path")
        host = f"{parts.hostname}:{port}" if port else parts.hostname
        if parts.username is None:
            return cls(address, host)
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        return cls(bare, host, (("Authorization", f"Basic {base64.b64encode(user).decode()}"),))

    def post(self, data: Mapping[str, Any], timeout: float) -> None:
        """Args:
            timeout: seconds for each of connecting, sending and waiting for the answer.

        Raises:
            NotTaken: no answer, or one that is no 2xx. A redirect is none: a POST would arrive there as a GET.
        """
        import http.client
        import urllib.error
        import urllib.request

        headers = {"Content-Type": "application/json", "User-Agent": _AGENT, **dict(self.headers)}
        request = urllib.request.Request(self.url, json.dumps(data).encode(), headers, method="POST")
        try:
            no_redirect.opened(request, timeout).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise NotTaken(
                f"it answers {error.code}", for_good=error.code < 500 and error.code != 429
            ) from None
        except TimeoutError:
            raise NotTaken(f"no answer within {timeout:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            late = isinstance(reason, TimeoutError)
            said = getattr(reason, "strerror", None) or type(reason).__name__
            raise NotTaken(f"no answer within {timeout:g} s" if late else str(said)) from None
