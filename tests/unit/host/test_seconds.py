"""Waits that the environment sets."""

from __future__ import annotations

import pytest

from kohya_wrap.errors import UsageError
from kohya_wrap.host import seconds


def test_our_own_where_nothing_is_said() -> None:
    assert seconds.pauses({}, (5.0, 30.0)) == (5.0, 30.0)
    assert seconds.told({"X": ""}, "X") is None


@pytest.mark.parametrize(("text", "pause"), [("0.5", 0.5), ("0", 0.0)])
def test_as_said_before_each(text: str, pause: float) -> None:
    assert seconds.pauses({"KOHYA_WRAP_RETRY_SECONDS": text}, (5.0, 30.0)) == (pause, pause)


@pytest.mark.parametrize("text", ["abc", "-1", "nan", "inf", "1e99"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(UsageError, match="X="):
        seconds.told({"X": text}, "X")
