"""The runs of a project as any shell sees them: by their record, their log and the processes at work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain import budget
from kohya_wrap.domain.events import RunEnded
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.errors import UsageError
from kohya_wrap.host import child
from kohya_wrap.places import Project
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.output import OutputReader
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import steps_so_far
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.steps_so_far import StepSoFar


@dataclass(frozen=True)
class Status:
    """A run, now.

    Attributes:
        state: training; unwatched (its kohya-wrap is gone, its trainer is not); interrupted (both are gone); else how
            it ended: done, paused, stopped, failed.
        reason: why it was stopped or failed.
        epochs_kept: whole epochs that a state holds.
        seconds: while it was at work, over all its attempts.
        eta: seconds, at the present pace; None where there is none.
        dollars: None without a price.
        then: the steps after it, as far as they are; `then_log` has what they say, where that is no terminal.
    """

    run: Path
    config: str
    name: str
    engine: str
    state: str
    reason: str
    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float | None
    seconds_per_step: float | None
    attempts: int
    epochs_kept: int
    checkpoint: str
    seconds: float
    eta: float | None
    dollars: float | None
    then: tuple[StepSoFar, ...] = ()
    then_log: str = ""

    @property
    def is_at_work(self) -> bool:
        return self.state in ("training", "unwatched")

    @property
    def steps_under_way(self) -> str:
        """The step that is done now; empty where none is."""
        return next((one.step for one in self.then if one.state == "under way"), "")


def of_project(where: Path) -> list[Status]:
    """Those at work; where there is none, the newest. `where` is a project, a config in one, or the folder of a run.

    Raises:
        UsageError: no run there.
    """
    found = [status(folder) for folder in _folders(where)]
    return [one for one in found if one.is_at_work] or found[:1]


def one_at_work(where: Path) -> Status:
    """Raises UsageError: none, or more than one."""
    found = of_project(where)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(
            f"{len(found)} runs are at work there: {names}.",
            why="Only one can be meant.",
            hint=f"Name its folder: {found[0].run}",
        )
    return found[0]


def _folders(where: Path) -> list[Path]:
    if (where / "run.toml").is_file():
        return [where]
    root = where if where.is_dir() else where.parent
    found = sorted((path.parent for path in Project(root).runs.glob("*/run.toml")), reverse=True)
    if not found:
        raise UsageError(
            f"No run in {root.absolute()}.",
            why="Nothing was trained from here yet, or this is not the project's folder.",
            hint="Name the project or its config: kohya-wrap status my-lora",
        )
    return found


def status(folder: Path) -> Status:
    run = RunFolder(folder)
    timed, ledger, about = run.timed, run.ledger, run.about
    at_work = run.is_at_work()
    seen = _seen_in_log(run, ledger) if at_work else None
    progress = ledger.progress
    step = max(progress.step if progress else 0, seen.steps if seen else 0)
    pace = progress.seconds_per_step if progress else None
    total = progress.total if progress else int(about.get("planned_steps", 0))
    last = timed[-1][0] if timed else time.time()
    seconds = budget.spent(timed) + (time.time() - last if at_work else 0)
    price, then = about.get("price_per_hour"), steps_so_far.of(run.events)
    return Status(
        run=folder,
        config=str(about.get("config", "")),
        name=str(about.get("output_name", "")),
        engine=str(about.get("engine", "")),
        state=_state(ledger, at_work),
        reason=next((e.reason for _, e in reversed(timed) if isinstance(e, RunEnded)), "")
        if ledger.outcome in ("failed", "stopped")
        else "",
        step=step,
        steps=total,
        epoch=max(progress.epoch if progress else 0, seen.epoch if seen else 0),
        epochs=int(about.get("planned_epochs", 0)),
        loss=seen.loss if seen and seen.loss is not None else progress.loss if progress else None,
        seconds_per_step=pace,
        attempts=ledger.attempt.number if ledger.attempt else 0,
        epochs_kept=ledger.states[-1].epoch if ledger.states else 0,
        checkpoint=ledger.checkpoints[-1] if ledger.checkpoints else "",
        seconds=seconds,
        eta=(total - step) * pace if at_work and pace is not None else None,
        dollars=None if price is None else seconds / 3600 * float(price),
        then=then.steps,
        then_log=then.log,
    )


def _state(ledger: Ledger, at_work: bool) -> str:
    watched = ledger.supervisor is not None and child.lives(
        ledger.supervisor.pid, ledger.supervisor.process_started
    )
    if ledger.outcome and not at_work:
        return ledger.outcome
    if watched:
        return "training"
    return "unwatched" if at_work else "interrupted"


def _seen_in_log(run: RunFolder, ledger: Ledger) -> Seen | None:
    """What the trainer has said up to now, written down by somebody or not."""
    if ledger.attempt is None or not run.log.exists():
        return None
    reader = OutputReader(run.path, "", ledger.attempt.first_step)
    log = child.LineReader(run.log, ledger.attempt.log_from)
    try:
        return Seen.of(event for line in log.new() for event in reader.feed(line))
    finally:
        log.close()


def ask_to_stop(found: Status, *, at_once: bool) -> None:
    """Ask who watches it; where nobody does, and it shall be at once, end the trainer.

    Raises:
        UsageError: it is not at work; or nobody watches it, who could wait for its next state.
    """
    if not found.is_at_work and found.steps_under_way:
        _cut_steps_short(found, at_once=at_once)
        return
    if not found.is_at_work:
        raise UsageError(
            f"{found.name} is not at work: {found.state}.",
            why="Its trainer has ended already.",
            hint="kohya-wrap status",
        )
    run = RunFolder(found.run)
    if found.state == "training":
        StopFile(run.path).ask(at_once=at_once)
        return
    if not at_once:
        raise UsageError(
            f"Nobody watches {found.name}: its kohya-wrap is gone.",
            why="So nobody can stop it when its next state is written.",
            hint="kohya-wrap stop --now   or, to watch it again: kohya-wrap run",
        )
    run.end_trainers()  # what it has saved meanwhile, the next `run` finds
    with Journal(run.journal) as record:
        record.write(RunEnded("stopped", "kohya-wrap stop --now", ()))


def _cut_steps_short(found: Status, *, at_once: bool) -> None:
    if not at_once:
        raise UsageError(
            f"{found.name} is {found.state}; what shall follow is under way: {found.steps_under_way}.",
            why="Its trainer has ended already, and a step has no epoch to stop behind.",
            hint="kohya-wrap stop --now   (cuts them short; what was trained is kept)",
        )
    pid = steps_so_far.of(RunFolder(found.run).events).pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def news(folder: Path, interval: float = 1.0) -> Iterator[Status]:
    """The status whenever it has changed, until the run is at work no more."""
    before: Status | None = None
    while True:
        now = status(folder)
        if before is None or (now.step, now.state, now.checkpoint) != (
            before.step,
            before.state,
            before.checkpoint,
        ):
            yield now
            before = now
        if not now.is_at_work:
            return
        time.sleep(interval)
