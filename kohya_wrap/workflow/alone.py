"""Two trainings must not write the same files: one is refused while another lives, watched or not."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from kohya_wrap.errors import UsageError
from kohya_wrap.host import child, lock
from kohya_wrap.places import Project
from kohya_wrap.workflow import run_folder, steps_so_far
from kohya_wrap.workflow.run_folder import RunFolder


@contextmanager
def alone(project: Project, output_name: str) -> Iterator[None]:
    """Nobody else trains `output_name` of this project meanwhile.

    Raises:
        UsageError: another run does.
    """
    with ExitStack() as held:
        try:
            held.enter_context(lock.hold(project.runs / output_name, wait=False))
        except lock.Busy:
            where = shlex.quote(str(project.root))
            raise UsageError(
                f"Another run of this project is training {output_name} already.",
                why="It goes on by itself, also when the terminal it was started in is gone.",
                hint=f"kohya-wrap status {where} --follow   (kohya-wrap logs -f, kohya-wrap stop)",
            ) from None
        yield


def refuse_trainers(project: Project, output_name: str | None = None, but: Path | None = None) -> None:
    """A killed kohya-wrap leaves its trainer at work, and no lock.

    Args:
        but: the folder of the run whose trainer may be at work.

    Raises:
        UsageError: one lives; without `output_name`, whatever it trains.
    """
    newest = next(run_folder.of_name(project, output_name), None) if output_name else None
    if newest is not None:
        _refuse_moved(newest)
    runs = project.runs.resolve()
    at_work: dict[Path, list[int]] = {}
    for log, process in child.living():
        if (
            log.parent.parent == runs
            and log.parent != (but and but.resolve())
            and output_name in (None, RunFolder(log.parent).about.get("output_name") or output_name)
        ):
            at_work.setdefault(log, []).append(process.pid)
    for log, pids in at_work.items():
        run = shlex.quote(str(log.parent))
        known = (log.parent / "run.toml").is_file()  # else the folder was removed under it
        raise UsageError(
            f"The trainer of an earlier run is still at work (pid {', '.join(map(str, pids))}); its last words: {_last_words(log)}",
            why="It goes on by itself when its kohya-wrap is killed, and two would overwrite each other's files.",
            hint=f"kohya-wrap status {run} --follow   to wait for its end; or, to stop it: kohya-wrap stop {run} --now"
            if known
            else f"kill {' '.join(map(str, pids))}   or wait for its end",
        )


def _refuse_moved(run: RunFolder) -> None:
    """Raises UsageError: its trainer saves to where the project was, so nobody can go on watching it from here."""
    if before := run.log_before_it_was_moved:
        where = shlex.quote(str(run.path))
        raise UsageError(
            f"The trainer of {run.path.name} is still at work, and saves to where the project was: {before.parent}",
            why="The project was moved meanwhile; two trainers would share the card, and what this one saves now is not found here.",
            hint=f"kohya-wrap stop {where} --now   then the same command: it goes on after the last epoch that was kept here",
        )


def refuse_steps(project: Project, output_name: str) -> None:
    """Raises UsageError: another process does what follows its last training, which may read what a new one replaces."""
    run = next(run_folder.of_name(project, output_name), None)
    then = steps_so_far.of(run.events) if run else steps_so_far.StepsSoFar()
    if then.pid is None or then.pid in (process.pid for process in psutil.Process().parents()):
        return
    step = next(one.step for one in then.steps if one.state == "under way")
    where = shlex.quote(str(project.root))
    raise UsageError(
        f"What follows the last training of {output_name} is under way: {step}.",
        why="It may need the files that a new training would replace.",
        hint=f"kohya-wrap status {where}   to see its end; or, to cut it short: kohya-wrap stop {where} --now",
    )


def _last_words(log: Path) -> str:
    try:
        reader = child.LineReader(log)
    except OSError:
        return "none, its log is gone"
    lines = reader.new(last=True)
    reader.close()
    return lines[-1].strip() if lines else "none yet"
