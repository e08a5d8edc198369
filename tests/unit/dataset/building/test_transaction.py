"""Killed at any moment, a build leaves the old folder or the new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kohya_wrap.dataset.building import transaction


@pytest.mark.parametrize("how", ["exchanges", "renames"])
def test_killed_at_each_thing_it_does_on_disk(tmp_path: Path, how: str) -> None:
    """Where two folders cannot change names in one moment, there may be none for that moment."""
    script = Path(__file__).with_name("killed.py")
    repository = script.parents[4]
    done = subprocess.run(
        [sys.executable, script, tmp_path / "project", how],
        capture_output=True, text=True, check=False, cwd=repository, env={"PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["kills"] > 50


def test_what_a_killed_one_has_half_written_the_next_one_writes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file has one name while it is written, whoever writes it."""
    record, seen = tmp_path / "cat.json", set[str]()
    monkeypatch.setattr(os, "fsync", lambda file: seen.update(path.name for path in tmp_path.glob("*cat*")))
    for _ in range(2):
        transaction.commit(record, [], {"new": True})
    assert seen == {"..cat.pending.part", ".cat.pending", ".cat.json.part", "cat.json"}


def test_what_was_pending_where_the_project_was_copied_from_is_dropped(tmp_path: Path) -> None:
    record = tmp_path / "cat.json"
    gone = transaction.Move(str(tmp_path / "made"), str(tmp_path / "name"), str(tmp_path / "final"), 1)
    with pytest.raises(FileNotFoundError):
        transaction.move(tmp_path / "made", tmp_path / "name", tmp_path / "name")
    transaction.commit(record, [gone], {"new": True})
    assert not record.exists()
    assert not list(tmp_path.glob("*pending*"))


def test_a_concept_s_brackets_are_no_pattern(tmp_path: Path) -> None:
    staged = [transaction.staged(tmp_path, concept) for concept in ("cat[1]", "cat1")]
    transaction.clear([tmp_path], "cat[1]")
    assert [path.exists() for path in staged] == [False, True]
