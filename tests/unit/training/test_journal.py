"""What is written down of a run, also where it cannot be."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from kohya_wrap.domain.events import TrainerFound
from kohya_wrap.training.journal import Journal


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError) as raised, Journal(path) as journal:
        journal.write(TrainerFound(1))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
