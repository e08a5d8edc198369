"""The runs of a project as any shell sees them: by their record, their log and the processes at work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain import budget
from kohya_wrap.domain.events import EpochStarted, Event, LossNotFinite, Progress, RunEnded, StateSaved
from kohya_wrap.domain.finding import typed
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.domain.saving import Saved
from kohya_wrap.errors import UsageError
from kohya_wrap.host import child
from kohya_wrap.places import Project
from kohya_wrap.training import states
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import run_folder, steps_so_far, unread
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.steps_so_far import StepSoFar


@dataclass(frozen=True)
class Status:
    """A run, now.

    Attributes:
        state: training; unwatched (its kohya-wrap is gone, its trainer is not); interrupted (both are gone); else how
            it ended: done, paused, stopped, failed.
        reason: why it was stopped or failed.
        step, epoch: the last that was begun; of one that is paused or stopped, those that are kept.
        epochs_kept: whole epochs that a state holds.
        seconds: while it was at work, over all its attempts.
        eta: seconds, at the present pace; None where there is none.
        dollars: None without a price.
        lost: why `run` begins anew, though epochs were kept; empty where it goes on from them.
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
    lost: str = ""
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
    """Those at work; where there is none, the one that last was. `where` is a project, a config in one, or the folder of a run.

    Raises:
        UsageError: no run there.
    """
    runs = [RunFolder(folder) for folder in _folders(where)]
    at_work = [one for one in map(_status, runs) if one.is_at_work]
    return at_work or [_status(max(runs, key=_last_at_work))]


def _last_at_work(run: RunFolder) -> float:
    """Seconds since the epoch; of those without a record, the newest comes first."""
    return run.timed[-1][0] if run.timed else 0.0


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
    if run_folder.is_one(where):
        return [where]
    root = where if where.is_dir() else where.parent
    found = run_folder.folders(Project(root))
    if not found:
        raise UsageError(
            f"No run in {root.absolute()}.",
            why="Nothing was trained from here yet, or this is not the project's folder.",
            hint="Name the project or its config: kohya-wrap status my-lora",
        )
    own = [one for one in found if Path(str(RunFolder(one).about.get("config", ""))).name == where.name]
    return own or found


def status(folder: Path) -> Status:
    return _status(RunFolder(folder))


def _status(run: RunFolder) -> Status:
    timed, ledger, about = run.timed, run.ledger, run.about
    at_work = run.is_at_work()
    said = unread.said(run)
    seen = Seen.of(said)
    progress = ledger.progress or next((one for one in reversed(said) if isinstance(one, Progress)), None)
    step = max(progress.step if progress else 0, seen.steps)
    epoch = max(progress.epoch if progress else 0, seen.epoch)
    if not at_work and not said and ledger.states and ledger.outcome in ("paused", "stopped"):
        step, epoch = ledger.states[-1].steps, ledger.states[-1].epoch  # what was begun after it is gone
    pace = progress.seconds_per_step if progress else None
    total = progress.total if progress else int(about.get("planned_steps", 0))
    seconds = budget.spent(timed) + run.unwatched()
    price, then = about.get("price_per_hour"), steps_so_far.of(run.events)
    return Status(
        run=run.path,
        config=_config(run),
        name=str(about.get("output_name", "")),
        engine=str(about.get("engine", "")),
        state=_state(ledger, at_work),
        reason=next((e.reason for _, e in reversed(timed) if isinstance(e, RunEnded)), "")
        if ledger.outcome in ("failed", "stopped")
        else "",
        step=step,
        steps=total,
        epoch=epoch,
        epochs=int(about.get("planned_epochs", 0)),
        loss=seen.loss if seen.loss is not None else progress.loss if progress else None,
        seconds_per_step=pace,
        attempts=ledger.attempt.number if ledger.attempt else 0,
        epochs_kept=_epochs_kept(run, said, at_work),
        checkpoint=ledger.checkpoints[-1] if ledger.checkpoints else "",
        seconds=seconds,
        eta=(total - step) * pace if at_work and pace is not None else None,
        dollars=None if price is None else seconds / 3600 * float(price),
        lost=run_folder.unusable(run),
        then=then.steps,
        then_log=then.log,
    )


def _config(run: RunFolder) -> str:
    """As it was typed, unless the project was moved or copied since, or the user stands elsewhere."""
    config, runs = Path(str(run.about.get("config", ""))), run.path.resolve().parent
    is_here = config.exists() and Project(config.parent).runs.resolve() == runs
    return str(config if is_here else runs.parents[1] / config.name)


def _state(ledger: Ledger, at_work: bool) -> str:
    watched = ledger.supervisor is not None and child.lives(
        ledger.supervisor.pid, ledger.supervisor.process_started
    )
    if ledger.outcome and not at_work:
        return ledger.outcome
    if watched:
        return "training"
    return "unwatched" if at_work else "interrupted"


def _name(run: RunFolder) -> str:
    return str(run.about.get("output_name", ""))


def _epochs_kept(run: RunFolder, said: Sequence[Event], at_work: bool) -> int:
    """By the record, and by the states that nobody has written down: whole once the trainer has gone on after them."""
    kept = [one.epoch for one in run.ledger.states if run.ledger.is_done or Path(one.path).is_dir()]
    going_on = [place for place, event in enumerate(said) if isinstance(event, EpochStarted | Progress)]
    for place, event in enumerate(said):
        if isinstance(event, LossNotFinite):  # and so are the states after it
            break
        if isinstance(event, StateSaved) and (path := Path(event.path)).is_dir():
            epoch = Saved.from_name(path.name.removesuffix("-state"), _name(run)).epoch
            if place < max(going_on, default=0) or not (at_work or states.problem(path)):
                kept.append(epoch or 0)
    return max(kept, default=0)


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
            hint=f"kohya-wrap status {typed(found.config)}",
        )
    run = RunFolder(found.run)
    if found.state == "training":
        before = run.log_before_it_was_moved  # who watches it looks for that where the project was
        folder = before.parent if before else run.path
        folder.mkdir(parents=True, exist_ok=True)
        StopFile(folder).ask(at_once=at_once)
        return
    if not at_once:
        raise UsageError(
            f"Nobody watches {found.name}: its kohya-wrap is gone.",
            why="So nobody can stop it when its next state is written.",
            hint=f"kohya-wrap stop --now {typed(found.config)}   or, to watch it again: kohya-wrap run {typed(found.config)}",
        )
    run.end_trainers()  # what it has saved meanwhile, the next `run` finds
    with Journal(run.journal) as record:
        record.write(RunEnded("stopped", "kohya-wrap stop --now", ()))


def _cut_steps_short(found: Status, *, at_once: bool) -> None:
    if not at_once:
        raise UsageError(
            f"{found.name} is {found.state}; what shall follow is under way: {found.steps_under_way}.",
            why="Its trainer has ended already, and a step has no epoch to stop behind.",
            hint=f"kohya-wrap stop --now {typed(found.config)}   (cuts them short; what was trained is kept)",
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
