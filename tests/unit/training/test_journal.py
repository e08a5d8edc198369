"""A run's record, as the next kohya-wrap finds it."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from kohya_wrap.domain.events import Event, StateKept, TrainerFound
from kohya_wrap.training import journal
from kohya_wrap.training.journal import Journal

KEPT = (StateKept("/r/attempts/1/lo-000001-state", 1, 5), StateKept("/r/attempts/1/lo-000002-state", 2, 10))


@pytest.mark.parametrize(
    "spoiled",
    [
        json.dumps({"time": None, **KEPT[0].as_dict()}),
        json.dumps({"time": "then", **KEPT[0].as_dict()}),
        json.dumps(KEPT[0].as_dict()),
        json.dumps({"time": 1.0, "event": "StateKept", "path": "/r"}),
        json.dumps({"time": 1.0}),
        "[1, 2]", "7", "null", "\0\0\0", '{"time": 1.0, "event": "Sta',
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_hides_no_other(tmp_path: Path, spoiled: str) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as written:
        written.write(KEPT[0])
    with path.open("a", encoding="utf-8") as file:
        file.write(spoiled)
    with Journal(path) as written:
        written.write(KEPT[1])
    read: list[Event] = [event for _, event in journal.read(path)]
    assert read == list(KEPT)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError) as raised, Journal(path) as journal:
        journal.write(TrainerFound(1))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
