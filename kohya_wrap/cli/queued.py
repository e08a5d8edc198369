"""Several trainings in one session, as a person reads them: which is at work, what has failed, a table at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import Interrupted, KohyaWrapError, Stopped

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.prepare import Job, JobRequest
    from kohya_wrap.workflow.queue import Entry, Outcome
    from kohya_wrap.workflow.wishes import Wishes


def run(
    console: Console,
    entries: Sequence[Entry],
    request: JobRequest,
    wishes: Callable[[Job, float], Wishes],
    places: Places,
    *,
    restart: bool,
) -> None:
    """Train them all. Raises KohyaWrapError, once all have had their turn: one of them was not trained.

    Args:
        wishes: of a job and the seconds that the others of the queue have taken.
    """
    from kohya_wrap.cli import run as single
    from kohya_wrap.workflow import queue
    from kohya_wrap.workflow.prepare import prepare

    record = queue.Record.of(entries)
    if restart:
        record = queue.Record(record.path)
    wrong = queue.checked(entries, request.gpu, places, os.environ)
    place = {entry: f"{number} of {len(entries)}: {entry.title}" for number, entry in enumerate(entries, 1)}
    for entry in wrong:
        _say_failed(console, place[entry], wrong[entry])

    def one(entry: Entry) -> bool:
        console.say(f"\n{place[entry]}", style="bold")
        job = prepare(replace(request, config=entry.config, words=entry.words), places, os.environ)
        mine = wishes(job, record.spent(entry))
        job, result = single.train(console, job, places, mine, on_run=partial(record.begun, entry))
        single.say_result(console, result)
        return not result.paused

    outcomes = []
    for outcome in queue.train(entries, record, wrong, one):
        if outcome.before:
            console.say(f"\n{place[outcome.entry]}: done already", style="bold")
        elif outcome.error and outcome.entry not in wrong and not _ends_all(outcome.error):
            _say_failed(console, place[outcome.entry], outcome.error)
        outcomes.append(outcome)
    rows = [_row(outcome) for outcome in outcomes]
    rows += [_not_begun(entry) for entry in entries[len(outcomes) :]]
    console.say()
    for line in _table(rows):
        console.say(line)
    if error := _whole(outcomes, len(entries), rows):
        raise error
    if console.as_json:
        console.envelope("run", {"jobs": rows})


def _ends_all(error: KohyaWrapError) -> bool:
    return isinstance(error, Interrupted | Stopped)


def _say_failed(console: Console, place: str, error: KohyaWrapError) -> None:
    console.say(f"\n{place}", style="bold")
    console.findings(
        found for found in error.findings if found.level is Level.ERROR and found.message not in error.message
    )
    console.error(error)


def _row(outcome: Outcome) -> dict[str, Any]:
    from kohya_wrap.workflow import watched

    error = outcome.error
    row = _not_begun(outcome.entry) | {"code": int(outcome.code)}
    if outcome.run is not None and outcome.run.is_dir():
        status = watched.status(outcome.run)
        row |= {
            "outcome": status.state, "run": str(status.run), "step": status.step, "steps": status.steps,
            "loss": status.loss, "seconds": round(status.seconds, 1), "dollars": status.dollars,
            "lora": status.checkpoint or None,
        }  # fmt: skip
    if error is not None:
        row |= {"outcome": "stopped" if _ends_all(error) else "failed", "reason": error.message}
    return row | {"before": outcome.before}


def _not_begun(entry: Entry) -> dict[str, Any]:
    return {"config": str(entry.config), "swept": entry.swept, "outcome": "not begun", "code": None}


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """One line each; at its end the LoRA, or why there is none."""
    from kohya_wrap.cli import as_typed
    from kohya_wrap.cli.training_display import clock

    cells = [("", "", "steps", "loss", "time", "cost", "")]
    for row in rows:
        loss, dollars, lora = row.get("loss"), row.get("dollars"), row.get("lora")
        cells.append(
            (
                f"{row['config']} ({row['swept']})" if row["swept"] else row["config"],
                row["outcome"],
                f"{row['step']}/{row['steps']}" if row.get("steps") else "",
                f"{loss:.3g}" if loss is not None else "",
                clock(row["seconds"]) if row.get("seconds") is not None else "",
                f"${dollars:.2f}" if dollars is not None else "",
                row.get("reason") or (as_typed.path(Path(lora)) if lora else ""),
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for *line, last in cells:
        words = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=False))
            if width
        ]
        yield "  ".join((*words, last)).rstrip()


def _whole(outcomes: Sequence[Outcome], total: int, rows: Sequence[dict[str, Any]]) -> KohyaWrapError | None:
    """What the command ends with: what has stopped all of it, else the first failure; None where all are trained."""
    errors = [(outcome.entry, outcome.error) for outcome in outcomes if outcome.error]
    if not errors:
        return None
    _, last = errors[-1]
    if _ends_all(last):
        hint = "The same command again: what is done is not done again."
        return type(last)(last.message, why=last.why, hint=hint, data={"jobs": rows})
    _, first = errors[0]
    return type(first)(
        f"{len(errors)} of {total} could not be trained: {', '.join(entry.title for entry, _ in errors)}.",
        why="Each has said why above; the others are trained.",
        hint="Mend it, and the same command again: what is done is not done again.",
        data={"jobs": rows},
    )
