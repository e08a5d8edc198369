"""What a queue has on record, and what its words name."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.workflow.queue import Entry, Record


def test_two_shells_keep_each_others_record(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / name) for name in "abc"]
    keys = {entry: entry.config.name for entry in entries}
    one, other = Record.of(["a"], keys), Record.of(["b"], keys)
    for record, entry in zip((one, other, one), entries, strict=True):
        record.begun(entry, keys[entry], tmp_path / "runs" / entry.config.name)
    for record in (one, other, Record.of([], keys)):
        assert [record.run(entry) for entry in entries] == [tmp_path / "runs" / name for name in "abc"]
