"""The folder of a run: a new one, or that of the run which this config has not finished."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.domain.events import Event
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.host import atomic, child
from kohya_wrap.places import Project
from kohya_wrap.training import journal, states

_ATTEMPTS = "attempts"


@dataclass(frozen=True)
class RunFolder:
    """What lies in it is read when it is first asked for, and not again."""

    path: Path

    @cached_property
    def timed(self) -> tuple[tuple[float, Event], ...]:
        """What was written by then, each event with its time in seconds since the epoch."""
        return tuple(journal.read(self.journal)) if self.journal.exists() else ()

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return tuple(event for _, event in self.timed)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger.of(self.events)

    @property
    def about(self) -> dict[str, Any]:
        """run.toml; nothing where it is damaged: what was done stands elsewhere."""
        try:
            return toml.load(self.path / "run.toml")
        except (OSError, ValueError):
            return {}

    @property
    def log(self) -> Path:
        return self.path / "engine.log"

    @property
    def journal(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def engine_config(self) -> Path:
        """Of the newest attempt."""
        return self.path / "engine_config.toml"

    def attempt(self, number: int) -> Path:
        """Where the engine saves, so that no attempt overwrites what another saved."""
        return self.path / _ATTEMPTS / f"{number}"

    @property
    def probe(self) -> RunFolder:
        """What --probe has while it is done."""
        return RunFolder(self.path / "probe")

    def is_at_work(self) -> bool:
        """Whether its trainer lives, watched or not; also that of its probe."""
        logs = self.log.resolve(), self.probe.log.resolve()
        return any(one in logs for one, _ in child.living())

    def end_trainers(self) -> None:
        """Those that nobody watches."""
        for log in (self.log, self.probe.log):
            child.adopt(log, 0, 0.0).stop()

    @property
    def is_finished(self) -> bool:
        """Trained to its end, and its LoRA is where it was saved."""
        kept = self.ledger.checkpoints
        return self.ledger.is_done and bool(kept) and Path(kept[-1]).is_file()

    def unwatched(self) -> float:
        """Seconds for which its trainer went on when its kohya-wrap was gone; by its log where it has ended."""
        ledger = self.ledger
        if not self.timed or ledger.trainer is None or ledger.trainer_ended or not self.log.exists():
            return 0.0
        until = time.time() if self.is_at_work() else self.log.stat().st_mtime
        return max(0.0, until - self.timed[-1][0])

    def discard_attempts(self) -> None:
        """States and checkpoints that were not kept: nothing goes on from here."""
        shutil.rmtree(self.path / _ATTEMPTS, ignore_errors=True)

    def describe(self, facts: dict[str, Any]) -> None:
        """run.toml: what this run is, for whoever finds the folder later."""
        atomic.write_text(self.path / "run.toml", toml.dumps(facts))


def new(project: Project) -> RunFolder:
    """.kohya-wrap/runs/<local time>, made by this run alone."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = project.runs / (stamp + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return RunFolder(folder)
    raise AssertionError("a thousand runs within a second")


def of_name(project: Project, output_name: str) -> Iterator[RunFolder]:
    """Runs that train this, the newest first."""
    for path in sorted(project.runs.glob("*/run.toml"), reverse=True):
        try:
            if toml.load(path).get("output_name") != output_name:
                continue
            yield RunFolder(path.parent)
        except (OSError, toml.TomlDecodeError):  # removed under it, or cut short by a lost machine
            continue


def unfinished(project: Project, output_name: str) -> RunFolder | None:
    """The newest run of this name, where there is something to go on with: a trainer at work, a state, or no verdict yet."""
    run = next(of_name(project, output_name), None)
    if run is None or run.ledger.is_done:
        return None
    if run.ledger.outcome == "failed" and not run.is_at_work():
        state, _ = states.newest_whole(run.ledger.states)
        return run if state else None
    return run


def finished(project: Project, output_name: str) -> RunFolder | None:
    """The newest run of this name, where it was trained to its end and its LoRA is there."""
    run = next(of_name(project, output_name), None)
    return run if run is not None and run.is_finished else None


def discard_others(project: Project, output_name: str, but: RunFolder) -> None:
    """Nothing goes on from older runs of this name: their states only take room."""
    for run in of_name(project, output_name):
        if run.path != but.path:
            run.discard_attempts()
