"""A call that may hang is waited for so long and no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """It had not ended; what it does in the end, nobody hears."""


def in_time(call: Callable[[], T], seconds: float) -> T:
    """`call`'s value. A signal is heard while it is waited for.

    Raises:
        Late: not within `seconds`. Whatever else it raises.
    """
    (came,) = each_in_time([call], seconds)
    if isinstance(came, BaseException):
        raise came
    return came


def each_in_time(calls: Sequence[Callable[[], T]], seconds: float) -> list[T | BaseException]:
    """Each one's value or what it raised, all begun at once; Late for those that have not ended within `seconds`."""
    came: list[T | BaseException] = [Late() for _ in calls]

    def work(number: int) -> None:
        try:
            came[number] = calls[number]()
        except BaseException as error:
            came[number] = error

    end = time.monotonic() + seconds
    # Their end is not waited for by the interpreter's.
    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return list(came)
