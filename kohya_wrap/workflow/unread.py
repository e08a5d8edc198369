"""What the log of a run has, and no record may have: the words of a trainer whose end nobody saw."""

from __future__ import annotations

from kohya_wrap.domain.events import Event
from kohya_wrap.host import child
from kohya_wrap.training.output import OutputReader
from kohya_wrap.workflow.run_folder import RunFolder


def said(run: RunFolder) -> list[Event]:
    """Up to now, of its last attempt; empty where somebody saw its end."""
    attempt = run.ledger.attempt
    if attempt is None or not run.ledger.is_unread or not run.log.exists():
        return []
    folder, name = run.attempt(attempt.number).resolve(), str(run.about.get("output_name", ""))
    reader = OutputReader(folder, name, attempt.steps_done, attempt.more_steps)
    log = child.LineReader(run.log, attempt.log_from)
    try:
        return [event for line in log.new(last=True) for event in reader.feed(line)]
    finally:
        log.close()
