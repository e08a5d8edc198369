"""A call that may hang is waited for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """It had not ended; what it does in the end, nobody hears."""


def in_time(call: Callable[[], T], seconds: float) -> T:
    """`call`'s value. A signal is heard while it is waited for.

    Raises:
        Late: not within `seconds`. Whatever else it raises.
    """
    came: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            came.append(call())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)  # its end is not waited for by the interpreter's
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not came:
        raise Late
    return came[0]
