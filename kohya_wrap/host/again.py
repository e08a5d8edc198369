"""What a network fails at may work a little later: tried again, with pauses, and said."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from kohya_wrap.errors import MachineError

T = TypeVar("T")
OnWait = Callable[[str], None]


class Unreachable(MachineError):
    """It may pass: worth another attempt."""


def patiently(attempt: Callable[[], T], pauses: Sequence[float], on_wait: OnWait) -> T:
    """`attempt`'s value, tried once more after each pause (seconds).

    Raises:
        Unreachable: that of the last attempt. Whatever else it raises, at once.
    """
    for pause in pauses:
        try:
            return attempt()
        except Unreachable as error:
            on_wait(f"{error.message} Again in {pause:.0f} s.")
        time.sleep(pause)
    return attempt()
