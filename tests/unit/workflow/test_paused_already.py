"""What is done about a run that is to stop at an epoch that is done."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from kohya_wrap.domain.events import AttemptStarted, StateKept, Supervised, TrainerStarted
from kohya_wrap.host import child
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import paused_already
from kohya_wrap.workflow.run_folder import RunFolder


def test_what_nobody_watched_is_ended_and_counts_and_what_was_asked_of_it_is_over(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    trainer = child.start(words, env=os.environ, cwd=tmp_path, log=run.log)
    try:
        with Journal(run.journal) as journal:
            for event in (
                Supervised(1, 0.0), AttemptStarted(1, 0, 0, 0, 5, "", 0, {}),
                TrainerStarted(trainer.pid, trainer.started, tuple(words)), StateKept("s", 2, 10),
            ):  # fmt: skip
                journal.write(event)
        StopFile(tmp_path).ask(at_once=False)
        time.sleep(1)
        run.log.touch()  # the last that it said
        assert run.is_at_work()
        paused_already.take(run)
        now = RunFolder(tmp_path)
        assert not now.is_at_work() and not StopFile(tmp_path).asks()
        assert now.ledger.outcome == "paused"
        assert now.ledger.supervisor and now.ledger.supervisor.pid == os.getpid()
        assert now.ledger.supervisor.spent >= 0.9
    finally:
        trainer.stop()
