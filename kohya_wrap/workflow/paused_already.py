"""An --until-epoch that is reached already, as by the same command again: there is nothing to train, and nothing is wrong."""

from __future__ import annotations

import shlex
from pathlib import Path

from kohya_wrap.domain import budget
from kohya_wrap.domain.events import Event, RunEnded, Supervised
from kohya_wrap.domain.saving import Saved
from kohya_wrap.errors import UsageError
from kohya_wrap.host import child
from kohya_wrap.training import states
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.training.supervise import OnEvent
from kohya_wrap.workflow.run_folder import RunFolder


def checkpoint(until: int | None, run: RunFolder, name: str, config: Path) -> Path | None:
    """The newest of that epoch or a later one; None where there is something to train, or to find out first.

    Args:
        until: the epoch to stop at; None for all of them.
        name: output_name.
        config: the user's own file.

    Raises:
        UsageError: the epoch lies behind, and nobody has kept a checkpoint of it.
    """
    if until is None or run.ledger.is_unread or not run.ledger.has_reached(until):
        return None
    done = run.ledger.states[-1].epoch
    for path in map(Path, reversed(run.ledger.checkpoints)):
        if (Saved.from_name(path.stem, name).epoch or 0) >= until and path.is_file():
            return path
    state, _ = states.newest_whole(run.ledger.states)
    if state is None or state.epoch < until:  # it goes on from before that epoch, or begins anew
        return None
    raise UsageError(
        f"Epoch {until} is done already, and no checkpoint of it is there: the unfinished run has {done}.",
        why="--until-epoch counts from the beginning of the run, which was not asked for this one before; or its file is gone.",
        hint=f"kohya-wrap run {shlex.quote(str(config))} --until-epoch {done + 1}   (or without, to the end)",
    )


def take(run: RunFolder, on_event: OnEvent) -> None:
    """On record, and told, as taken in hand and paused, since what follows is about it.

    To be called by who alone may train it.
    """
    StopFile(run.path).clear()
    told: tuple[Event, ...] = (
        Supervised(*child.this_one(), round(budget.spent(run.timed), 1)),
        RunEnded("paused", "", run.ledger.checkpoints),
    )
    with Journal(run.journal) as journal:
        for event in told:
            journal.write(event)
            on_event(event)
