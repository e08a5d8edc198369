"""What happens during a run, as values: one line of events.jsonl each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kohya_wrap.domain import plain

_SETTLED = 10  # steps after which a pace is believed


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
class Supervised(Event):
    """A kohya-wrap has taken the run in hand; an earlier one is gone."""

    pid: int
    process_started: float  # seconds since the machine's start
    spent: float = 0.0  # seconds of the run so far, set-up among them where that was asked for


@dataclass(frozen=True)
class Probed(Event):
    """Two steps on the images that need the most memory were done: it fits."""

    size: tuple[int, int]  # of the bucket: (width, height) in pixels
    images: int  # in its fullest batch
    changed: Mapping[str, Any]  # options that it took


@dataclass(frozen=True)
class AttemptStarted(Event):
    """One start of the trainer.

    Attributes:
        number: from 1.
        epochs_done: whole epochs that lie behind it; 0 from the beginning.
        steps_done: optimizer steps of those, as they were done.
        first_step: where it stands on the learning-rate curve: epochs_done x its own steps per epoch.
        state: the folder it resumes from; empty from the beginning.
        log_from: the byte of engine.log where its output begins.
        changed: options that differ from the config, for a rung of the out-of-memory ladder.
        processes: one for each GPU.
    """

    number: int
    epochs_done: int
    steps_done: int
    first_step: int
    steps_per_epoch: int
    state: str
    log_from: int
    changed: Mapping[str, Any]
    processes: int = 1

    @property
    def more_steps(self) -> int:
        """That were done before it than the engine counts for its epochs: other images or batches make other epochs."""
        return self.steps_done - self.first_step

    def is_settled(self, step: int) -> bool:
        """Whether the pace there, `step` counted over all attempts, is believed: the first steps are slower than the rest."""
        return step - self.steps_done >= min(_SETTLED, self.steps_per_epoch)

    def steps_to_state(self, step: int) -> int:
        """From `step`, counted over all attempts, to the end of its epoch, where the next state is written."""
        return -(step - self.steps_done) % self.steps_per_epoch


@dataclass(frozen=True)
class TrainerStarted(Event):
    """pid and start time together name a process for good, also after the pid was given to another one."""

    pid: int
    process_started: float  # seconds since the machine's start
    argv: tuple[str, ...]


@dataclass(frozen=True)
class TrainerFound(Event):
    """The trainer that an earlier kohya-wrap had started is at work still."""

    pid: int


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
    step: int  # optimizer steps done, over all attempts
    total: int  # when it is done, counted alike
    loss: float | None  # the engine's avr_loss: mean over the epoch's latest losses; NaN where it is NaN
    seconds_per_step: float | None
    epoch: int  # 1-based, 0 before the first


@dataclass(frozen=True)
class Validated(Event):
    """The loss of images that are not trained on, at fixed timesteps: it tells overfitting, as the training loss does not."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class CheckpointSaved(Event):
    path: str


@dataclass(frozen=True)
class StateSaved(Event):
    path: str


@dataclass(frozen=True)
class CheckpointKept(Event):
    """A saved file was found whole, and is where the user looks for it; `sha256` is empty in records that had none."""

    path: str
    sha256: str = ""


@dataclass(frozen=True)
class StateKept(Event):
    """A state was found whole: the training can go on from there."""

    path: str
    epoch: int  # whole epochs done
    steps: int  # optimizer steps done, over all attempts


@dataclass(frozen=True)
class StateDamaged(Event):
    """A state that was whole once cannot be read any more: an older one is taken."""

    path: str
    problem: str


@dataclass(frozen=True)
class Unfit(Event):
    """A saved file is of no use, and so is going on."""

    path: str
    problem: str


@dataclass(frozen=True)
class FewerProcesses(Event):
    """The engine deals its batches out to others than those that were asked for: the launcher may not say so."""

    asked: int
    batches: int  # for each, by the engine
    expected: int


@dataclass(frozen=True)
class Advice(Event):
    """What the user may want to change, seen while it trains: each kind is said once in a run."""

    text: str
    about: str = ""


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
    returncode: int | None  # negative: ended by that signal; None where nobody could see it
    seconds: float


@dataclass(frozen=True)
class AttemptEnded(Event):
    """What became of a start of the trainer that did not end the run; `action` is what is done about it."""

    cause: str  # out of memory | crash | hang
    text: str
    action: str


@dataclass(frozen=True)
class RunEnded(Event):
    outcome: str  # done | paused | stopped | failed
    reason: str
    files: tuple[str, ...]
    unread: bool = False  # a disk refused: what the trainer has saved may not all be kept


@dataclass(frozen=True)
class Afterwards(Event):
    """A step that was asked for after the training: due, done, or why not.

    Attributes:
        ok: None while it is due.
        log: where it says what it does; empty where that is a terminal.
        pid: of the process that does them, with its start (seconds since the machine's).
    """

    step: str
    ok: bool | None
    text: str
    log: str = ""
    pid: int = 0
    process_started: float = 0.0


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


def from_dict(data: Mapping[str, Any]) -> Event | None:
    """The event that `as_dict` gave; None for a kind that a newer version wrote."""
    values = {name: value for name, value in data.items() if name not in ("time", "event")}
    kind = _KINDS.get(data["event"])
    if isinstance(values.get("loss"), str):  # NaN is no JSON
        values["loss"] = float(values["loss"])
    return None if kind is None else plain.build(kind, values)
