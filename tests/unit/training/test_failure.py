"""What an engine's failure is said to mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.events import Crash
from kohya_wrap.training import failure
from kohya_wrap.training.seen import Seen

SHORT = "RuntimeError: [enforce fail at inline_container.cc:664] . unexpected pos 704 vs 598"  # torch 2.8 on /dev/full
DAMAGED = (
    "RuntimeError: [enforce fail at inline_container.cc:145] . PytorchStreamReader failed reading zip archive"
)


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        ("SafetensorError: Error while serializing: IoError(No space left on device)", "The disk is full"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("RuntimeError: basic_ios::clear: iostream error", "The disk is full"),
        (SHORT, "The disk is full"),
        (DAMAGED, "is damaged or cut short"),
        ("RuntimeError: [enforce fail at inline_container.cc:300] . file name too long", "failed at a.py:1"),
    ],
)
def test_only_a_short_write_means_a_full_disk(cause: str, why: str, tmp_path: Path) -> None:
    error = failure.explain(Seen(crash=Crash(cause, "a.py:1")), 1, tmp_path / "engine.log", 0, Path("c.toml"))
    assert error.message == cause
    assert why in error.why and ("disk" in error.why) == (why == "The disk is full")
