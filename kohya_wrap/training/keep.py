"""What an attempt has saved, taken to where it belongs as soon as it is whole.

The engine writes in place, and every attempt counts its files anew. So each writes into a folder of its own; only
what was read to its last byte comes under the name that the user asked for.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    CheckpointSaved,
    EpochStarted,
    Event,
    Progress,
    StateKept,
    StateSaved,
    Unfit,
)
from kohya_wrap.domain.saving import Saved, Saving
from kohya_wrap.host import atomic, safetensors_file
from kohya_wrap.host.file_hash import sha256
from kohya_wrap.training import states
from kohya_wrap.training.result import weights_problem

_GOES_ON = (CheckpointSaved, EpochStarted, Progress, StateSaved)  # and not a crash, as of a full disk


@dataclass
class Keeper:
    """Attributes:
    folder: the attempt's own, where the engine saves.
    output: the user's.
    name: output_name.
    on_record: files that this attempt has kept by now.
    """

    attempt: AttemptStarted
    folder: Path
    output: Path
    name: str
    saving: Saving
    on_record: Container[str] = ()
    _pending: list[CheckpointSaved | StateSaved] = field(default_factory=list)
    _newest_state: int = 0  # its epoch

    def seen(self, event: Event) -> Iterator[Event]:
        """Told each event in turn: the engine names a file before it writes it, so it is whole once the training goes on."""
        if isinstance(event, _GOES_ON):
            yield from self._take()
        if isinstance(event, CheckpointSaved | StateSaved):
            self._pending.append(event)

    def ended(self) -> Iterator[Event]:
        """The trainer is gone: what it was writing is whole, or never will be. What no log names any more lies there all the same."""
        for event in chain(self._take(), self._unnamed(time.time_ns()), self._unnamed_states()):
            if isinstance(event, Unfit):
                Path(event.path).unlink(missing_ok=True)
            else:
                yield event

    def _take(self) -> Iterator[Event]:
        while self._pending:
            saved = self._pending.pop(0)
            path = Path(saved.path)
            if isinstance(saved, StateSaved):
                yield from self._state(path)
            elif path.stem != self.name:  # the last one is judged with the run
                if path.exists():
                    yield from self._unnamed(path.stat().st_mtime_ns)
                yield from self._checkpoint(path)

    def _unnamed(self, before: int) -> Iterator[Event]:
        """Checkpoints older than this moment (nanoseconds) that the log does not name: somebody has emptied it."""
        found = [(path.stat().st_mtime_ns, path) for path in self.folder.glob("*.*") if self._is_one(path)]
        for written, path in sorted(found):
            if written < before:
                yield from self._checkpoint(path)

    def _is_one(self, path: Path) -> bool:
        return path.is_file() and Saved.from_name(path.stem, self.name) != Saved()

    def _unnamed_states(self) -> Iterator[Event]:
        for path in sorted(self.folder.glob("*-state")):
            yield from self._state(path)

    def _state(self, path: Path) -> Iterator[Event]:
        epoch = Saved.from_name(path.name.removesuffix("-state"), self.name).epoch
        if epoch is None or epoch <= self._newest_state:  # those within an epoch repeat all of it
            return
        if not states.problem(path):
            self._newest_state = epoch
            done = (epoch - self.attempt.epochs_done) * self.attempt.steps_per_epoch
            yield StateKept(str(path), epoch, self.attempt.steps_done + done)

    def _checkpoint(self, path: Path) -> Iterator[Event]:
        saved = Saved.from_name(path.stem, self.name)
        if saved.step is not None:
            saved = Saved(step=saved.step + self.attempt.steps_done)
        kept = self.output / f"{saved.name(self.name)}{path.suffix}"
        if (
            not path.exists()
        ):  # taken by an earlier kohya-wrap, whose record may have been lost with the machine
            if self.saving.keeps(saved) and str(kept) not in self.on_record and kept.is_file():
                yield CheckpointKept(str(kept), sha256(kept))
            return
        if path.suffix == ".safetensors" and (problem := weights_problem(path)):
            yield Unfit(str(path), problem)
            return
        if self.saving.keeps(saved):
            yield self.keep(path, kept)
            if old := self.saving.outlived(saved):
                (self.output / f"{old.name(self.name)}{path.suffix}").unlink(missing_ok=True)
        path.unlink()

    def keep(self, path: Path, kept: Path) -> CheckpointKept:
        """Under the user's name, its step the one over all attempts: the engine counts from 0 again after a resume."""
        kept.parent.mkdir(parents=True, exist_ok=True)
        told = safetensors_file.read_header(path).metadata if path.suffix == ".safetensors" else {}
        behind = {"ss_steps": self.attempt.steps_done, "ss_max_train_steps": self.attempt.more_steps}
        whole = {
            name: str(int(told[name]) + more)
            for name, more in behind.items()
            if more and told.get(name, "").isdecimal()
        }
        if whole:
            safetensors_file.copy_with_metadata(path, kept, whole)
        else:
            atomic.link_or_copy(path, kept)
        return CheckpointKept(str(kept), sha256(kept))
