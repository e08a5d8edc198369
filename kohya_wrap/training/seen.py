"""What the events of one attempt amount to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.events import (
    CheckpointSaved,
    Crash,
    EpochStarted,
    Event,
    FewerProcesses,
    LossNotFinite,
    NoData,
    OutOfMemory,
    PlanSeen,
    Progress,
    StateSaved,
    Unfit,
)


@dataclass(frozen=True)
class Seen:
    """Steps over all attempts, files as it named them, and the first thing that went wrong."""

    steps: int = 0
    total: int | None = None
    epoch: int = 0
    epochs: int | None = None
    loss: float | None = None
    checkpoints: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    crash: Crash | None = None
    out_of_memory: bool = False
    no_data: bool = False
    not_finite_at: int | None = None
    unfit: Unfit | None = None
    fewer: FewerProcesses | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Seen:
        facts: dict[str, Any] = {}
        saved: dict[type, list[str]] = {CheckpointSaved: [], StateSaved: []}
        for event in events:
            if isinstance(event, Progress):
                facts |= {"steps": event.step, "total": event.total, "loss": event.loss}
            elif isinstance(event, EpochStarted):
                facts |= {"epoch": event.epoch, "epochs": event.epochs}
            elif isinstance(event, PlanSeen) and event.label == "total_steps":
                facts["total"] = event.value
            elif isinstance(event, CheckpointSaved | StateSaved):
                saved[type(event)].append(event.path)
            elif isinstance(event, Crash):
                facts.setdefault("crash", event)
            elif isinstance(event, OutOfMemory):
                facts["out_of_memory"] = True
            elif isinstance(event, NoData):
                facts["no_data"] = True
            elif isinstance(event, LossNotFinite):
                facts.setdefault("not_finite_at", event.step)
            elif isinstance(event, Unfit):
                facts.setdefault("unfit", event)
            elif isinstance(event, FewerProcesses):
                facts.setdefault("fewer", event)
        return cls(
            checkpoints=tuple(saved[CheckpointSaved]),
            states=tuple(saved[StateSaved]),
            **facts,
        )
