"""Which run is which training's of a queue, and what was asked and spent under the same words."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from kohya_wrap.domain import budget
from kohya_wrap.domain.budget import Budget
from kohya_wrap.host import atomic, lock
from kohya_wrap.places import Project
from kohya_wrap.workflow import run_folder
from kohya_wrap.workflow.queue_entries import Entry
from kohya_wrap.workflow.run_folder import RunFolder


@dataclass
class Record:
    """Which run is which training's, on disk in the project of each from its beginning: whatever words it was typed with;
    and what may be spent under the same words.

    How far a run is, its own record says.

    Attributes:
        typed: tells the words of this command from others: the caps are over all that was begun with them.
        keys: of what each would train (same_training); none of one whose config cannot be read.
    """

    typed: str
    keys: dict[Entry, str]

    @classmethod
    def of(cls, where: Sequence[Path], words: Sequence[object], keys: Mapping[Entry, str]) -> Record:
        """Args:
        where: configs and folders that were typed, whatever stands in them: from wherever, and wherever they lie together.
        words: the others, as they were typed.
        """
        there = [path.resolve() for path in where]
        above = os.path.commonpath([path if path.is_dir() else path.parent for path in there])
        typed = [[os.path.relpath(path, above) for path in there], *words]
        return cls(sha256(json.dumps(typed).encode()).hexdigest()[:16], dict(keys))

    def forget(self, entries: Iterable[Entry]) -> None:
        """What these have done, and what these words have spent."""
        gone = {self.keys.get(entry, "") for entry in entries}
        for path in self._paths(entries):
            if path.exists():
                with self._changed(path) as kept:
                    kept.begun.pop(self.typed, None)
                    kept.asked.pop(self.typed, None)
                    for key in gone & kept.runs.keys():
                        del kept.runs[key]

    def begun(self, entry: Entry, key: str, run: Path, within: Budget) -> None:
        """Args:
        key: as it is now: its config may have been changed since the first began.
        within: what was asked of all that these words name.
        """
        self.keys[entry] = key
        with self._changed(_path(entry)) as kept:
            for other in [other for other, name in kept.runs.items() if name == run.name]:
                del kept.runs[other]
            kept.runs[key] = run.name
            kept.begun[self.typed] = list(dict.fromkeys([*kept.begun.get(self.typed, ()), run.name]))
            kept.ask(self.typed, within)

    def ask(self, entry: Entry, within: Budget) -> None:
        """Of all that these words name, before anything is begun: what holds when they are typed again."""
        with self._changed(_path(entry)) as kept:
            kept.ask(self.typed, within)

    def asked(self, entries: Iterable[Entry]) -> Budget:
        """By the same words, when they last began one of these."""
        found = [kept for path in self._paths(entries) if (kept := _read(path).asked.get(self.typed))]
        last = max(found, key=lambda asked: asked.get("when") or 0.0, default={})
        return Budget(**{name: last.get(name) for name in asdict(Budget())})

    def run(self, entry: Entry) -> Path | None:
        name = _read(_path(entry)).runs.get(self.keys.get(entry, ""))
        return _project(entry).runs / name if name else None

    def is_done(self, entry: Entry) -> bool:
        """As its run's own record says, also by a `run` of its own since; and its LoRA is as that has saved it."""
        run = self.run(entry)
        return run is not None and RunFolder(run).is_finished and not RunFolder(run).lora_problem

    def why_again(self, entry: Entry) -> str:
        """Of one that was trained to its end: why it is not done; empty for any other."""
        run = self.run(entry)
        return RunFolder(run).lora_problem if run is not None and RunFolder(run).ledger.is_done else ""

    def begun_before(self, entries: Iterable[Entry]) -> list[Path]:
        """Runs of earlier calls that are to be gone on with: each the newest of its name."""
        runs = [(entry, RunFolder(run)) for entry in entries if (run := self.run(entry)) and run.is_dir()]
        return [run.path for entry, run in runs if not run.ledger.is_done and _is_newest(entry, run)]

    def spent(self, entries: Iterable[Entry], but: RunFolder | None) -> float:
        """Seconds of all runs begun with these words, over all calls and whatever was changed between them.

        Args:
            but: the run that is gone on with, which counts its own.
        """
        others = self._begun(entries) - {but.path.resolve() if but else None}
        return budget.spent_together(RunFolder(path).timed for path in others)

    def set_up(self, entries: Iterable[Entry]) -> float:
        """Seconds before its first step that the quickest of those runs took; 0.0 where none has come so far."""
        took = (budget.set_up(RunFolder(path).timed) for path in self._begun(entries))
        return min((seconds for seconds in took if seconds is not None), default=0.0)

    def _begun(self, entries: Iterable[Entry]) -> set[Path]:
        return {
            _project(entry).runs.resolve() / name
            for entry in entries
            for name in _read(_path(entry)).begun.get(self.typed, ())
        }

    def _paths(self, entries: Iterable[Entry]) -> set[Path]:
        return {_path(entry) for entry in entries}

    @contextmanager
    def _changed(self, path: Path) -> Iterator[_Kept]:
        with lock.hold(path):  # several shells may be at work on it
            kept = _read(path)
            yield kept
            atomic.write_text(path, json.dumps(asdict(kept)))


@dataclass
class _Kept:
    """What stands in a project, which may be moved or copied with it.

    Attributes:
        runs: key -> name of its run's folder.
        begun: typed words -> names of the folders of all runs begun with them.
        asked: typed words -> what was asked of all of them, and when (seconds since the epoch).
    """

    runs: dict[str, str] = field(default_factory=dict)
    begun: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def ask(self, typed: str, within: Budget) -> None:
        self.asked[typed] = {"when": time.time(), **asdict(within)}


def _project(entry: Entry) -> Project:
    return Project(entry.config.parent.absolute())


def _path(entry: Entry) -> Path:
    return _project(entry).queue


def _read(path: Path) -> _Kept:
    """Nothing where it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _Kept(
            {key: Path(run).name for key, run in data["runs"].items()},
            {typed: [Path(run).name for run in begun] for typed, begun in data["begun"].items()},
            {typed: _amounts(asked) for typed, asked in data.get("asked", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Kept()


def _amounts(asked: Mapping[str, object]) -> dict[str, float | None]:
    return {name: None if amount is None else float(str(amount)) for name, amount in asked.items()}


def _is_newest(entry: Entry, run: RunFolder) -> bool:
    """Nothing goes on from an older one, and a newer one may have replaced its files."""
    newest = next(run_folder.of_name(_project(entry), str(run.about.get("output_name"))), None)
    return newest is not None and newest.path.absolute() == run.path.absolute()
