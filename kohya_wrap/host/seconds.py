"""Waits that a variable of the environment sets otherwise than we would."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from kohya_wrap.errors import UsageError

_MOST = 86400.0  # a day: the system's own clocks take no number of any size


def told(env: Mapping[str, str], name: str) -> float | None:
    """None where the variable is not set. Raises UsageError: it is no number of seconds."""
    text = env.get(name)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST:
        raise UsageError(
            f"{name}={text} is no number of seconds.", why="It sets how long is waited.", hint=f"unset {name}"
        )
    return seconds


def pauses(env: Mapping[str, str], ours: tuple[float, ...]) -> tuple[float, ...]:
    """KOHYA_WRAP_RETRY_SECONDS before each new attempt, instead of our own."""
    seconds = told(env, "KOHYA_WRAP_RETRY_SECONDS")
    return ours if seconds is None else (seconds,) * len(ours)


def wait(pause: float, unless: Callable[[], object]) -> None:
    """Before a new attempt, as long as `unless` says nothing: somebody may want none."""
    end = time.monotonic() + pause
    while time.monotonic() < end and not unless():
        time.sleep(min(0.25, pause))
