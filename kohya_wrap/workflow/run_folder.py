"""The folder of a run: a new one, or that of the run which this config has not finished."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.domain.events import Event, RunStarted
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.host import atomic, child
from kohya_wrap.host.file_hash import sha256
from kohya_wrap.places import Project
from kohya_wrap.training import journal, states
from kohya_wrap.training.result import weights_problem
from kohya_wrap.workflow import in_place

_ATTEMPTS = "attempts"
_BEGINNING = 60.0  # seconds from a new folder to its run.toml, with ample room


@dataclass(frozen=True)
class RunFolder:
    """What lies in it is read when it is first asked for, and not again."""

    path: Path

    @cached_property
    def timed(self) -> tuple[tuple[float, Event], ...]:
        """What was written by then, each event with its time in seconds since the epoch, its files where they lie now."""
        try:
            found = self.journal.stat()
        except FileNotFoundError:
            return ()
        told = _told(self.journal, found.st_size, found.st_mtime_ns)
        return tuple(in_place.told(told, self.path))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return tuple(event for _, event in self.timed)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger.of(self.events)

    @property
    def about(self) -> dict[str, Any]:
        """run.toml; where it is damaged or gone, as much of it as stands elsewhere."""
        told = _loaded(self.path / "run.toml")
        if "output_name" in told:
            return told
        begun = next((asdict(event) for event in self.events if isinstance(event, RunStarted)), {})
        name = _loaded(self.engine_config).get("output_name") or self._name_of_states
        return {**begun, "output_name": name, **told}

    @property
    def _name_of_states(self) -> str:
        """The output_name that they have; empty where none was kept."""
        for state in self.ledger.states[-1:]:
            return Path(state.path).name.removesuffix(f"-{state.epoch:06d}-state")
        return ""

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

    def saved(self) -> list[Path]:
        """What lies in the folders of its attempts."""
        return sorted(self.path.glob(f"{_ATTEMPTS}/*/*"))

    @property
    def probe(self) -> RunFolder:
        """What --probe has while it is done."""
        return RunFolder(self.path / "probe")

    def is_at_work(self) -> bool:
        """Whether its trainer lives, watched or not; also that of its probe."""
        logs = self._logs()
        return any(one in logs for one, _ in child.living())

    def end_trainers(self) -> None:
        """Those that nobody watches."""
        for log in self._logs():
            child.adopt(log, 0, 0.0).stop()

    def _logs(self) -> set[Path]:
        """By which its trainers are known."""
        before = self.log_before_it_was_moved
        return {self.log.resolve(), self.probe.log.resolve(), *([before] if before else [])}

    @property
    def log_before_it_was_moved(self) -> Path | None:
        """While its trainer lives, which goes on where the project was."""
        begun = self.ledger.trainer
        return child.moved_log(self.log, begun.pid, begun.process_started) if begun else None

    @property
    def has_lost_its_record(self) -> bool:
        """It has states or a trainer, and nothing says of what: events.jsonl was emptied or removed."""
        if self.ledger.attempt is not None:
            return False
        return any(path.name.endswith("-state") for path in self.saved()) or self._has_trainer()

    def _has_trainer(self) -> bool:
        """And not only that of its probe."""
        return any(log == self.log.resolve() for log, _ in child.living())

    @property
    def is_finished(self) -> bool:
        """Trained to its end, and its LoRA is where it was saved."""
        kept = self.ledger.checkpoints
        return self.ledger.is_done and bool(kept) and Path(kept[-1]).is_file()

    def problem(self, kept: str) -> str:
        """What is wrong with a file that it has kept, in words; empty where it is as it was saved."""
        path = Path(kept)
        if not path.is_file():
            return "is not there"
        saved = self.ledger.hashes.get(kept)
        if saved and sha256(path) == saved:
            return ""
        problem = weights_problem(path) if path.suffix == ".safetensors" else ""
        return problem or ("is not what this run has saved" if saved else "")

    @property
    def lora_problem(self) -> str:
        """Why its LoRA, the last file it has kept, cannot stand for it; empty where it can."""
        kept = self.ledger.checkpoints
        problem = self.problem(kept[-1]) if kept else "has no file on record"
        return f"{kept[-1] if kept else self.path} {problem}" if problem else ""

    def unwatched(self) -> float:
        """Seconds for which its trainer went on when its kohya-wrap was gone; by its log where it has ended."""
        ledger = self.ledger
        if not self.timed or ledger.trainer is None or not ledger.is_unread or not self.log.exists():
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
    """.kohya-wrap/runs/<local time>, made by this run alone; folders of those that were killed at this very point go."""
    for left in filter(_never_begun, project.runs.glob("2*")):
        shutil.rmtree(left, ignore_errors=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = project.runs / (stamp + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return RunFolder(folder)
    raise AssertionError("a thousand runs within a second")


def _never_begun(folder: Path) -> bool:
    """It holds half a run.toml or nothing, and nobody is about to write it."""
    try:
        old = time.time() - folder.stat().st_mtime > _BEGINNING
        return old and all(path.name.startswith(".run.toml.") for path in folder.iterdir())
    except OSError:  # a file, or removed meanwhile
        return False


@lru_cache(maxsize=4)
def _told(path: Path, size: int, changed: int) -> tuple[tuple[float, Event], ...]:
    """A start looks at the same run several times, and 20,000 steps take a quarter of a second to read."""
    return tuple(journal.read(path))


def _loaded(path: Path) -> dict[str, Any]:
    """Nothing where it cannot be read: removed, or cut short by a lost machine."""
    try:
        return toml.load(path)
    except (OSError, ValueError):
        return {}


def is_one(path: Path) -> bool:
    """Whether it is the folder of a run, one of whose records may be lost."""
    return any((path / name).is_file() for name in ("run.toml", "events.jsonl"))


def folders(project: Project) -> list[Path]:
    """Of its runs, the newest first."""
    return sorted(filter(is_one, project.runs.glob("*")), reverse=True)


def of_name(project: Project, output_name: str) -> Iterator[RunFolder]:
    """Runs that train this, the newest first."""
    for run in map(RunFolder, folders(project)):
        if run.about.get("output_name") == output_name:
            yield run


def unfinished(project: Project, output_name: str) -> RunFolder | None:
    """The newest run of this name, where there is something to go on with: a trainer at work, a state, or no verdict yet."""
    run = next(of_name(project, output_name), None)
    return run if run is not None and _goes_on(run) else None


def _goes_on(run: RunFolder) -> bool:
    if run.ledger.is_done or run.has_lost_its_record:
        return False
    # Who watched it has met a full disk: what the trainer said and saved since, nobody has read.
    unread = run.ledger.trainer is not None and run.ledger.is_unread
    if run.ledger.outcome == "failed" and not unread and not run.is_at_work():
        state, _ = states.newest_whole(run.ledger.states)
        return state is not None
    return True


def lost(project: Project, output_name: str) -> str:
    """Why epochs that an unfinished run has kept are not gone on from, and what begins instead; else empty."""
    run = next(of_name(project, output_name), None)
    if run is None:
        return _renamed(project, output_name)
    why = unusable(run)
    return (
        f"of the unfinished run {run.path.name} nothing can be used: {why}. So it begins anew." if why else ""
    )


def unusable(run: RunFolder) -> str:
    """Why epochs that it has kept are not gone on from; empty where they are, or where it has kept none."""
    if run.ledger.is_done or _goes_on(run):
        return ""
    if run.has_lost_its_record:
        return "its record (events.jsonl) is empty or gone, and without it nothing goes on from its states"
    if run.ledger.states:
        return f"it had kept epoch {run.ledger.states[-1].epoch}, but its states are gone or damaged"
    return ""


def _renamed(project: Project, output_name: str) -> str:
    """The same, where both runs are named after the project's folder, which has another name by now."""
    run = next(map(RunFolder, folders(project)), None)
    trainer = run.ledger.trainer if run else None
    if run is None or run.ledger.is_done or not run.ledger.states or trainer is None or not trainer.argv:
        return ""
    before, place = run.about.get("output_name"), Path(trainer.argv[-1]).parts  # ma/.kohya-wrap/runs/<time>/…
    if before == output_name or output_name != project.root.name or place[-5:-4] != (before,):
        return ""
    return (
        f"{output_name} begins anew: the unfinished run {run.path.name} trains {before}, which was the folder's name then. "
        f"To go on with it: --set output_name={before}"
    )


def finished(project: Project, output_name: str) -> RunFolder | None:
    """The newest run of this name, where it was trained to its end and its LoRA is there."""
    run = next(of_name(project, output_name), None)
    return run if run is not None and run.is_finished else None


def discard_others(project: Project, output_name: str, but: RunFolder) -> None:
    """Nothing goes on from older runs of this name: their states only take room."""
    for run in of_name(project, output_name):
        if run.path != but.path:
            run.discard_attempts()
