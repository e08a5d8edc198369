"""Calls that hang, among others."""

from __future__ import annotations

import threading
import time

import pytest

from kohya_wrap.host.in_time import Late, each_in_time, in_time


def test_each_has_its_own_end_and_all_have_the_same_time() -> None:
    never = threading.Event()

    def hangs() -> int:
        never.wait(20)
        return 1

    def fails() -> int:
        raise OSError("no")

    begun = time.monotonic()
    late, failed, came, late_too = each_in_time([hangs, fails, lambda: 3, hangs], 0.3)
    assert time.monotonic() - begun < 0.55
    assert isinstance(late, Late) and isinstance(late_too, Late)
    assert isinstance(failed, OSError)
    assert came == 3
    never.set()


def test_they_run_at_the_same_time() -> None:
    both = threading.Barrier(2)
    assert sorted(each_in_time([lambda: both.wait(5)] * 2, 5)) == [0, 1]  # type: ignore[type-var]


def test_one() -> None:
    assert in_time(lambda: 4, 1) == 4
    with pytest.raises(Late):
        in_time(lambda: time.sleep(5), 0.05)
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 / 0, 1)
