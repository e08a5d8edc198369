"""What happens during a run, as values: one line of events.jsonl each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` is the class name and stands in the journal."""

    @property
    def kind(self) -> str:
        return type(self).__name__

    def as_dict(self) -> dict[str, Any]:
        return {"event": self.kind, **asdict(self)}


@dataclass(frozen=True)
class RunStarted(Event):
    engine: str  # "real" or "rehearsal": a rehearsal is never shown as a training
    commit: str
    config: str
    gpu: str
    planned_steps: int
    planned_epochs: int


@dataclass(frozen=True)
class TrainerStarted(Event):
    """pid and start time together name a process for good, also after the pid was given to another one."""

    pid: int
    process_started: float  # seconds since the epoch
    argv: tuple[str, ...]


@dataclass(frozen=True)
class PlanSeen(Event):
    """What the engine itself says before the first step."""

    label: str  # images | batches_per_epoch | epochs | total_steps | batch_size_per_device
    value: int


@dataclass(frozen=True)
class EpochStarted(Event):
    epoch: int  # 1-based
    epochs: int


@dataclass(frozen=True)
class Progress(Event):
    step: int  # optimizer steps done in this attempt
    total: int
    loss: float | None  # the engine's avr_loss: mean over the epoch's latest losses; NaN where it is NaN
    seconds_per_step: float | None
    epoch: int  # 1-based, 0 before the first


@dataclass(frozen=True)
class CheckpointSaved(Event):
    path: str


@dataclass(frozen=True)
class StateSaved(Event):
    path: str


@dataclass(frozen=True)
class LossNotFinite(Event):
    step: int


@dataclass(frozen=True)
class OutOfMemory(Event):
    text: str


@dataclass(frozen=True)
class NoData(Event):
    """The engine found no image: it says so, and exits 0."""

    text: str


@dataclass(frozen=True)
class Crash(Event):
    """An exception of the trainer, launcher frames left out; the first of a run is its cause."""

    cause: str  # e.g. "ValueError: lr_warmup_steps ..."
    where: str = ""  # innermost frame of the engine, "library/train_util.py:5410"


@dataclass(frozen=True)
class EngineWarning(Event):
    text: str


@dataclass(frozen=True)
class TrainerEnded(Event):
    returncode: int  # negative: ended by that signal
    seconds: float


@dataclass(frozen=True)
class RunEnded(Event):
    outcome: str  # done | failed | stopped
    reason: str
    files: tuple[str, ...]
