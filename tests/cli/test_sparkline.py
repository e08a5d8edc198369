"""Numbers as little bars."""

from __future__ import annotations

import math

import pytest

from kohya_wrap.cli.sparkline import sparkline


@pytest.mark.parametrize(
    ("numbers", "width", "line"),
    [
        ([], 10, ""),
        ([0.1], 10, "▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([7, 0], 8, "█▁"),
        ([0, 0, 7, 7, 14, 14], 3, "▁▅█"),  # shares of two
        ([0, 14, 7], 1, "▁"),
        ([1, math.nan, 0, math.inf], 8, "█▁"),
        ([0, 0, 0], 8, "▁▁▁"),
        ([0.100, 0.101, 0.100], 8, "▁▁▁"),  # noise is no mountain
    ],
)
def test_sparkline(numbers: list[float], width: int, line: str) -> None:
    assert sparkline(numbers, width) == line


def test_every_number_counts_once() -> None:
    assert sparkline([0.0] * 99 + [1.0], 10)[-1] != "▁"
    assert len(sparkline(range(1000), 61)) == 61


def test_in_ascii() -> None:
    assert sparkline([0, 7], 8, ascii_only=True) == "_#"
