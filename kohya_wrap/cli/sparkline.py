"""Numbers as one line of little bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"
_LEAST = 0.2  # of the largest number spans the line at least: noise is not blown up to the shape of a fall


def sparkline(numbers: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """At most `width` characters: each the mean of an equal share of the numbers, from the lowest to the highest.

    What is no finite number is left out.
    """
    finite = [number for number in numbers if math.isfinite(number)]
    means = _shares(finite, max(1, width))
    if not means:
        return ""
    low, high = min(means), max(means)
    span = max(high - low, abs(high) * _LEAST) or 1.0
    bars = _ASCII if ascii_only else _BARS
    return "".join(bars[round((mean - low) / span * (len(bars) - 1))] for mean in means)


def _shares(numbers: Sequence[float], parts: int) -> list[float]:
    if len(numbers) <= parts:
        return list(numbers)
    cuts = [round(part * len(numbers) / parts) for part in range(parts + 1)]
    return [sum(numbers[begin:end]) / (end - begin) for begin, end in pairwise(cuts)]
