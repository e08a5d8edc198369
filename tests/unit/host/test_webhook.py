"""One POST, and what a person is told where it does not arrive."""

from __future__ import annotations

import socket
import time

import pytest

from kohya_wrap.host.webhook import NotTaken, Webhook
from tests.fixtures.receiver import Receiver

DATA = {"text": "終わり", "loss": None}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def refused(webhook: Webhook, timeout: float = 5.0) -> NotTaken:
    with pytest.raises(NotTaken) as caught:
        webhook.post(DATA, timeout)
    assert "s3cret" not in caught.value.reason
    return caught.value


def test_a_post_of_json() -> None:
    with Receiver() as receiver:
        Webhook.of(f"{receiver.url}?tpl=1&m={{{{.text}}}}").post(DATA, 5)
    ((method, path, headers),) = receiver.asked
    assert receiver.got == [DATA]
    assert (method, path) == ("POST", "/hooks/s3cret?tpl=1&m={{.text}}")
    assert headers["Content-Type"] == "application/json" and "Authorization" not in headers


def test_a_password_in_the_address_is_sent_as_http_has_it() -> None:
    with Receiver() as receiver:
        webhook = Webhook.of(f"http://me:pass%40word@{receiver.host}/topic")
        webhook.post(DATA, 5)
    assert webhook.host == receiver.host
    assert receiver.asked[0][2]["Authorization"] == "Basic bWU6cGFzc0B3b3Jk"


@pytest.mark.parametrize(
    ("answer", "for_good"), [(400, True), (404, True), (429, False), (500, False), (503, False)]
)
def test_an_answer_that_is_none(answer: int, for_good: bool) -> None:
    with Receiver(answer) as receiver:
        error = refused(Webhook.of(receiver.url))
    assert (error.reason, error.for_good) == (f"it answers {answer}", for_good)


@pytest.mark.parametrize("answer", [301, 302, 307])
def test_a_redirect_is_no_arrival(answer: int) -> None:
    with Receiver(answer) as receiver:
        error = refused(Webhook.of(receiver.url))
    assert (error.reason, len(receiver.asked)) == (f"it answers {answer}", 1)


def test_no_answer() -> None:
    with Receiver(None) as receiver:
        began = time.monotonic()
        error = refused(Webhook.of(receiver.url), timeout=0.3)
        assert time.monotonic() - began < 2
    assert (error.reason, error.for_good) == ("no answer within 0.3 s", False)


def test_nobody_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = refused(Webhook.of(f"http://127.0.0.1:{held.getsockname()[1]}/s3cret"))
    assert (error.reason, error.for_good) == ("Connection refused", False)


def test_who_does_not_speak_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        webhook = Webhook.of(f"http://127.0.0.1:{server.getsockname()[1]}/s3cret")
        import threading

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(1 << 16)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        assert refused(webhook).reason


@pytest.mark.parametrize(
    "address",
    ["http://", "https:///path", "ftp://host/x", "http://host:port/x", "http://host:99999/", "http://[::1/x", "http://a b/", "http://host/終"],
)  # fmt: skip
def test_no_address(address: str) -> None:
    with pytest.raises(ValueError):
        Webhook.of(address)
