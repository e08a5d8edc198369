"""What an attempt has saved, taken to where it belongs as soon as it is whole.

The engine writes in place, and every attempt counts its files anew. So each writes into a folder of its own; only
what was read to its last byte comes under the name that the user asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    output: the user's folder.
    name: output_name.
    """

    attempt: AttemptStarted
    output: Path
    name: str
    saving: Saving
    _pending: list[CheckpointSaved | StateSaved] = field(default_factory=list)

    def seen(self, event: Event) -> Iterator[Event]:
        """Told each event in turn: the engine names a file before it writes it, so it is whole once the training goes on."""
        if isinstance(event, _GOES_ON):
            yield from self._take()
        if isinstance(event, CheckpointSaved | StateSaved):
            self._pending.append(event)

    def ended(self) -> Iterator[Event]:
        """The trainer is gone: what it was writing is whole, or never will be."""
        for event in self._take():
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
                yield from self._checkpoint(path)

    def _state(self, path: Path) -> Iterator[Event]:
        epoch = Saved.from_name(path.name.removesuffix("-state"), self.name).epoch
        if epoch is not None and not states.problem(path):  # those within an epoch repeat all of it
            done = (epoch - self.attempt.epochs_done) * self.attempt.steps_per_epoch
            yield StateKept(str(path), epoch, self.attempt.steps_done + done)

    def _checkpoint(self, path: Path) -> Iterator[Event]:
        if not path.exists():  # pruned by the engine meanwhile
            return
        if path.suffix == ".safetensors" and (problem := weights_problem(path)):
            yield Unfit(str(path), problem)
            return
        saved = Saved.from_name(path.stem, self.name)
        if saved.step is not None:
            saved = Saved(step=saved.step + self.attempt.steps_done)
        if self.saving.keeps(saved):
            kept = self.output / f"{saved.name(self.name)}{path.suffix}"
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
