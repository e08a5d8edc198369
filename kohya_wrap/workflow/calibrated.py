"""Measured runs beside the model: an estimate that they make narrower, and the taking over of others' runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.domain import calibration, speed
from kohya_wrap.domain.calibration import Estimate, Measured
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.memory import Load
from kohya_wrap.domain.wording import counted
from kohya_wrap.errors import UsageError
from kohya_wrap.places import Places
from kohya_wrap.plan import calibration as file
from kohya_wrap.plan import model as models
from kohya_wrap.plan.calibration import Lines

_SHOWN = 5  # refused lines of a file that are said one by one


@dataclass(frozen=True)
class Merged:
    """Attributes:
    taken: runs that were not known before.
    known: lines that say what another says, or what was known.
    refused: lines.
    runs: of which the file consists now.
    """

    path: Path
    taken: int
    known: int
    refused: int
    runs: int
    findings: tuple[Finding, ...]


def estimate(load: Load, preset: GpuPreset, runs: Iterable[Measured]) -> Estimate:
    """Of a micro-batch. The preset has a rate."""
    model, tflops = models.load(resources.presets()), preset.tflops
    assert tflops is not None

    def by_model(one: Load) -> float:
        return speed.pace(model.work_of(one), one, tflops, preset.capability).seconds

    return calibration.estimate(load, preset.name, runs, by_model)


def runs(places: Places) -> tuple[tuple[Measured, ...], tuple[Finding, ...]]:
    """All that are known; what of the file cannot be read is said."""
    path = places.calibration
    try:
        lines = file.of_home(path, _cards())
    except OSError as error:
        said = f"{path} cannot be read: {error.strerror}; no measured run stands behind this plan."
        return (), (Finding(Level.WARNING, "calibration", said),)
    if not lines.refused:
        return lines.runs, ()
    number, why = lines.refused[0]
    said = f"{counted(len(lines.refused), 'line')} of the measured runs counted for nothing: the first {why}."
    return lines.runs, (
        Finding(Level.WARNING, "calibration", said, "Remove them, or leave them.", f"{path}:{number}"),
    )


def merge(files: Sequence[Path], places: Places) -> Merged:
    """Take what others have measured.

    Raises:
        UsageError: a file cannot be read, or none of them has a measured run; nothing is taken then.
    """
    cards, own = _cards(), places.calibration
    try:
        others = [(path, file.read(path, cards)) for path in files]
        known = file.of_home(own, cards).runs
        found = [run for _, lines in others for run in lines.runs]
        new = [run for run in dict.fromkeys(found) if run not in known]
        if new:
            file.append(own, new)
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be read or written: {error.strerror}.",
            why="Nothing was taken, of other files neither.",
            hint="Name files that a kohya-wrap has written: calibration.jsonl",
        ) from error
    refused = [why for _, lines in others for _, why in lines.refused]
    if not found:
        raise UsageError(
            f"{' and '.join(map(str, files))}: no measured run there.",
            why=f"The first line {refused[0]}." if refused else "Nothing is in it.",
            hint=f"On a machine that has trained, the file to share is {own}",
        )
    repeated = len(found) - len(new) + sum(lines.repeated for _, lines in others)
    said = tuple(one for path, lines in others for one in _refused(path, lines))
    return Merged(own, len(new), repeated, len(refused), len(known) + len(new), said)


def _refused(path: Path, lines: Lines) -> Iterable[Finding]:
    for number, why in lines.refused[:_SHOWN]:
        yield Finding(Level.WARNING, "line-refused", f"it {why}.", where=f"{path}:{number}")
    if more := lines.refused[_SHOWN:]:
        yield Finding(Level.WARNING, "line-refused", f"{len(more)} more lines are refused.", where=f"{path}")


def _cards() -> Collection[str]:
    return {name for name, preset in presets.load(resources.presets()).gpus.items() if preset.tflops}
