"""A request goes to the address that it names and nowhere else: a redirect would hand its key to another host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from urllib.request import Request


def opened(request: Request, timeout: float) -> HTTPResponse:
    """Args: timeout: seconds for each of connecting, sending and waiting. Raises as urllib does; HTTPError for a redirect too."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    answer: HTTPResponse = build_opener(Stay).open(request, timeout=timeout)
    return answer
