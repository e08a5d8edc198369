"""What is done about a run that is to stop at an epoch that is done."""

from __future__ import annotations

import os
from pathlib import Path

from kohya_wrap.domain.events import Event, RunEnded, Supervised
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import paused_already
from kohya_wrap.workflow.run_folder import RunFolder


def test_it_is_on_record_as_taken_in_hand_and_what_was_asked_of_it_is_over(tmp_path: Path) -> None:
    with Journal(tmp_path / "events.jsonl") as journal:
        journal.write(Supervised(1, 0.0, 7.5))
    StopFile(tmp_path).ask(at_once=False)
    told: list[Event] = []
    paused_already.take(RunFolder(tmp_path), told.append)
    now = RunFolder(tmp_path).ledger
    assert not StopFile(tmp_path).asks() and now.outcome == "paused"
    assert now.supervisor and (now.supervisor.pid, now.supervisor.spent) == (os.getpid(), 7.5)
    assert [type(event) for event in told] == [Supervised, RunEnded]
