"""What a queue has on record."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.domain.budget import Budget
from kohya_wrap.workflow.queue_entries import Entry
from kohya_wrap.workflow.queue_record import Record


def test_two_shells_keep_each_others_record(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / name) for name in "abc"]
    keys = {entry: entry.config.name for entry in entries}
    one, other = Record.of(["a"], keys), Record.of(["b"], keys)
    for record, entry in zip((one, other, one), entries, strict=True):
        record.begun(entry, keys[entry], tmp_path / "runs" / entry.config.name, Budget())
    for record in (one, other, Record.of([], keys)):
        assert [record.run(entry) for entry in entries] == [tmp_path / "runs" / name for name in "abc"]


def test_what_was_asked_last_with_the_same_words_is_of_all_of_them(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / name / "x.toml") for name in "abc"]
    record, other = Record.of(["a"], {}), Record.of(["b"], {})
    record.begun(entries[1], "b", tmp_path / "1", Budget(3.0, 20.0))
    record.begun(entries[0], "a", tmp_path / "2", Budget(3.0, 60.0, 1.5))
    assert record.asked(entries) == Budget(3.0, 60.0, 1.5)
    assert record.asked(entries[2:]) == other.asked(entries) == Budget()
    record.forget(entries)
    assert record.asked(entries) == Budget()
