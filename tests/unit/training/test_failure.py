"""What an engine's failure is said to mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.events import Crash
from kohya_wrap.host import atomic
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
    hint = f"df -h {tmp_path}   then free space there, or move the project to a larger disk; then: kohya-wrap run c.toml"
    assert (error.hint == hint) == (why == "The disk is full"), (
        "the engine saves beside its log, not in output_dir"
    )


@pytest.mark.parametrize(("free", "full"), [(0, True), (10**8, True), (10**9, False)])
def test_where_its_last_words_found_no_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, full: bool
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: free)
    error = failure.explain(Seen(), 1, tmp_path / "engine.log", 0, tmp_path / "config.toml")
    assert error.message == "The engine ended with exit code 1 before the first step was done."
    assert ("it was probably full" in error.why, error.hint.startswith("df -h ")) == (full, full)
