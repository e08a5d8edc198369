"""The engine's console lines, turned into events (engine contract, section 3)."""

from __future__ import annotations

import re
from pathlib import Path

from kohya_wrap.domain.events import (
    CheckpointSaved,
    Crash,
    EngineWarning,
    EpochStarted,
    Event,
    LossNotFinite,
    NoData,
    OutOfMemory,
    PlanSeen,
    Progress,
    StateSaved,
    Validated,
)

_BAR = re.compile(
    r"steps:\s+\d+%\|[^|]*\|\s*(\d+)/(\d+) \[([\d:]+)<([\d:?]+),\s*([\d.]+|\?)(it/s|s/it)"
    r"(?:, (.*?avr_loss=([^,\]\s]+)))?\s*\]"
)
# Drawn below the other bar, hence the cursor that goes up; without it the engine closes it, an epoch later.
_VALIDATION = re.compile(
    r"epoch validation steps:\s+100%\|[^|]*\|\s*(\d+)/\1 \[.*?val_epoch_avg_loss=([^,\]\s]+).*\]\x1b\[A"
)
_EPOCH = re.compile(r"^epoch (\d+)/(\d+)$")
_CHECKPOINT = re.compile(r"saving checkpoint: (.+)$")
_STATE = re.compile(r"saving (?:state at (epoch|step) (\d+)|last state\.)")
_WARNING = re.compile(r"\bWARNING\s+(.*?)\s{2,}\S+\.py:\d+$")
_FRAME = re.compile(r'^\s+File "(.+?)", line (\d+)')
_EXCEPTION = re.compile(r"^[A-Za-z_]")
_PLAN = {
    "num train images * repeats": "images",
    "num batches per epoch": "batches_per_epoch",
    "num epochs": "epochs",
    "batch size per device": "batch_size_per_device",
    "gradient accumulation steps": "accumulation",
    "total optimization steps": "total_steps",
}
_PLAN_LINE = re.compile(r"^\s+([a-z][a-z *]+?) / [^:=]+[:=] (\d+)$")


class OutputReader:
    """Feed it lines in the order they came; it remembers the epoch, and the traceback it is in.

    Args:
        steps_done: what a resumed attempt has behind it; the engine's bar counts from 0 again, to the full total.
        more_steps: how many of those are not in the engine's total.
    """

    def __init__(self, output_dir: Path, output_name: str, steps_done: int = 0, more_steps: int = 0) -> None:
        self._steps_done = steps_done
        self._more_steps = more_steps
        self._output = output_dir
        self._name = output_name
        self._epoch = 0
        self._step = -1
        self._loss: float | None = None
        self._not_finite = False
        self._traceback: list[str] | None = None
        self._validated: Validated | None = None  # not told yet: what follows may be its end

    def feed(self, line: str) -> list[Event]:
        if self._traceback is not None:
            return self._in_traceback(line)
        if match := _VALIDATION.search(line):  # drawn first with the average of all but the last
            self._validated = Validated(self._epoch, float(match[2]))
            return []
        judged, self._validated = self._validated, None
        return [*([judged] if judged else []), *self._fed(line)]

    def _fed(self, line: str) -> list[Event]:
        if "Traceback (most recent call last)" in line:  # often glued to an unfinished bar
            self._traceback = []
        if bar := _BAR.search(line):
            return self._progress(bar)
        if event := self._plain(line):
            return [event]
        return []

    def _plain(self, line: str) -> Event | None:
        if match := _EPOCH.match(line):
            self._epoch = int(match[1])
            return EpochStarted(self._epoch, int(match[2]))
        if match := _CHECKPOINT.search(line):
            return CheckpointSaved(match[1].strip())
        if match := _STATE.search(line):
            return StateSaved(str(self._output / self._state_name(match[1], match[2])))
        if match := _PLAN_LINE.match(line):
            label = _PLAN.get(match[1])
            return PlanSeen(label, int(match[2])) if label else None
        if "No data found." in line:
            return NoData("No data found")
        if match := _WARNING.search(line):
            return EngineWarning(match[1].split(" / ")[0])
        return None

    def _state_name(self, unit: str | None, number: str | None) -> str:
        if unit is None or number is None:
            return f"{self._name}-state"
        return (
            f"{self._name}-{int(number):06d}-state"
            if unit == "epoch"
            else f"{self._name}-step{int(number):08d}-state"
        )

    def _progress(self, bar: re.Match[str]) -> list[Event]:
        step, total, loss = int(bar[1]), int(bar[2]), float(bar[8]) if bar[8] else None
        if step == 0 or loss is None or (step, loss) == (self._step, self._loss):
            return []
        self._step, self._loss = step, loss
        step += self._steps_done
        total += self._more_steps
        speed = None if bar[5] == "?" else float(bar[5])
        seconds = speed if bar[6] == "s/it" or not speed else 1 / speed
        events: list[Event] = [Progress(step, total, loss, seconds, self._epoch)]
        if loss in (float("inf"), float("-inf")) or loss != loss:
            if not self._not_finite:
                events.append(LossNotFinite(step))
            self._not_finite = True
        return events

    def _in_traceback(self, line: str) -> list[Event]:
        assert self._traceback is not None
        if line.startswith(" ") or not _EXCEPTION.match(line):
            self._traceback.append(line)
            return []
        frames = [match for match in map(_FRAME.match, self._traceback) if match]
        self._traceback = None
        if "CalledProcessError" in line:  # accelerate's own, after the trainer's
            return []
        where = f"{frames[-1][1]}:{frames[-1][2]}" if frames else ""
        cause = line.strip()
        if "OutOfMemoryError" in cause or "CUDA out of memory" in cause:
            return [OutOfMemory(cause), Crash(cause, where)]
        return [Crash(cause, where)]
