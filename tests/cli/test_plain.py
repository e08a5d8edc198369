"""What may be printed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kohya_wrap.cli import plain

TOKEN = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"


@pytest.mark.parametrize(
    ("text", "lines", "one_line"),
    [
        ("a\nb\tc", "a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m\x00\r\x07", r"\x1b[31m\x00\r\x07", r"\x1b[31m\x00\r\x07"),
        ("\x7f\x9b\u2028\u202e", r"\x7f\x9b\u2028\u202e", r"\x7f\x9b\u2028\u202e"),
        ("猫 é – 👩‍🎨 \\n", "猫 é – 👩‍🎨 \\n", "猫 é – 👩‍🎨 \\n"),
        (f"not '{TOKEN}'", "not 'hf_***'", "not 'hf_***'"),
    ],
)
def test_nothing_acts_on_the_terminal_and_nothing_is_secret(text: str, lines: str, one_line: str) -> None:
    assert (plain.lines(text), plain.one_line(text)) == (lines, one_line)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({"a": [TOKEN, 1, None], "b": {"c": (f"x {TOKEN}",)}}, {"a": ["hf_***", 1, None], "b": {"c": ["x hf_***"]}}),
        ("line\nline\x1b", "line\nline\x1b"),  # JSON escapes by itself
        (True, True),
        ({"loss": [math.nan, math.inf, -math.inf, 0.5]}, {"loss": [None, None, None, 0.5]}),  # JSON knows none
        (1.5, 1.5),
    ],
)  # fmt: skip
def test_data_as_json_may_hold_it(value: Any, data: Any) -> None:
    assert plain.data(value) == data
