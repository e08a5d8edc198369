"""What a queue has on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.events import AttemptStarted, Progress, Supervised
from kohya_wrap.places import Project
from kohya_wrap.workflow.queue_entries import Entry
from kohya_wrap.workflow.queue_record import Record
from kohya_wrap.workflow.run_folder import RunFolder


def test_two_shells_keep_each_others_record(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / name) for name in "abc"]
    keys = {entry: entry.config.name for entry in entries}
    one, other = (Record.of([tmp_path / name], [], keys) for name in "ab")
    runs = Project(tmp_path).runs
    for record, entry in zip((one, other, one), entries, strict=True):
        record.begun(entry, keys[entry], runs / entry.config.name, Budget())
    for record in (one, other, Record.of([tmp_path], [], keys)):
        assert [record.run(entry) for entry in entries] == [runs / name for name in "abc"]


def test_what_was_asked_last_with_the_same_words_is_of_all_of_them(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / name / "x.toml") for name in "abc"]
    record, other = (Record.of([tmp_path], [word], {}) for word in "ab")
    record.begun(entries[1], "b", tmp_path / "1", Budget(3.0, 20.0))
    record.begun(entries[0], "a", tmp_path / "2", Budget(3.0, 60.0, 1.5))
    assert record.asked(entries) == Budget(3.0, 60.0, 1.5)
    assert record.asked(entries[2:]) == other.asked(entries) == Budget()
    record.ask(entries[2], Budget(3.0, 70.0))
    assert record.asked(entries) == Budget(3.0, 70.0)
    record.forget(entries)
    assert record.asked(entries) == Budget()


def test_a_run_that_goes_on_with_a_changed_config_is_that_training_s_and_no_other_s(tmp_path: Path) -> None:
    entry, run = Entry(tmp_path / "x.toml"), Project(tmp_path).runs / "1"
    record = Record.of([tmp_path], ["a"], {})
    record.begun(entry, "as it was", run, Budget())
    record.begun(entry, "as it is", run, Budget())
    assert Record.of([tmp_path], ["a"], {entry: "as it is"}).run(entry) == run
    assert Record.of([tmp_path], ["a"], {entry: "as it was"}).run(entry) is None


def test_what_runs_have_taken_and_the_quickest_set_up_of_them(tmp_path: Path) -> None:
    """That of the run that is gone on with is its own to count."""
    entry, record = Entry(tmp_path / "x.toml"), Record.of([tmp_path], ["a"], {})
    runs = Project(tmp_path).runs
    assert (record.set_up([entry]), record.spent([entry], None)) == (0.0, 0.0)
    for number, first_step in ((1, 30.0), (2, 20.0), (3, None)):
        begin, run = 1000.0 * number, runs / f"{number}"
        began = [(begin, Supervised(1, 0.0)), (begin, AttemptStarted(1, 0, 0, 0, 5, "", 0, {}))]
        done = [] if first_step is None else [(begin + first_step, Progress(1, 50, 0.1, 1.0, 1))]
        run.mkdir(parents=True)
        lines = (json.dumps({"time": when, **event.as_dict()}) for when, event in (*began, *done))
        RunFolder(run).journal.write_text("\n".join(lines) + "\n", encoding="utf-8")
        record.begun(entry, "key", run, Budget())
    assert record.set_up([entry]) == 20
    assert record.spent([entry], None) == 50
    assert record.spent([entry], RunFolder(runs / "1")) == 20


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """It had nothing of what was asked."""
    entry = Entry(tmp_path / "x.toml")
    record = Record.of([tmp_path], ["a"], {entry: "key"})
    record.begun(entry, "key", Project(tmp_path).runs / "1", Budget(3.0, 20.0))
    path = Project(tmp_path).queue
    kept = json.loads(path.read_text(encoding="utf-8"))
    del kept["asked"]
    path.write_text(json.dumps(kept), encoding="utf-8")
    assert (record.run(entry), record.asked([entry])) == (Project(tmp_path).runs / "1", Budget())


def test_the_same_words_are_the_same_from_anywhere_and_where_all_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / "q" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "q")

    def typed(*where: str) -> str:
        return Record.of([Path(one) for one in where], ["words"], {}).typed

    first = typed("a", "b")
    assert first == typed("../q/a", f"{tmp_path}/q/b") != typed("a", "c")
    assert len({first, typed("a"), typed("a/one.toml"), typed("a/two.toml"), typed("b", "a")}) == 5
    (tmp_path / "q").rename(tmp_path / "moved")
    assert typed("a", "b") == typed(f"{tmp_path}/moved/a", f"{tmp_path}/moved/b") == first
