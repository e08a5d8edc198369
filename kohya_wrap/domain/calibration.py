"""What finished runs took, and what that makes of an estimate: pure rules, no file and no clock."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, get_args

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import Encoders, Load, Need, Precision
from kohya_wrap.domain.plain import build
from kohya_wrap.domain.speed import WITHIN

ALIKE = 1.15  # a factor each way: for a run of the same fingerprint on the same card; chosen, not measured
SAME_FAMILY = 1.5  # for other runs of the family there, by which the model is scaled; chosen as well
ROOM = 1.05  # that the careful figure has above the highest peak measured
# More is no micro-batch, no card, and no side, batch or dim.
_SECONDS, _BYTES, _MOST = 3600.0, 1 << 42, 1 << 24
_LEAST = 1e-3  # seconds: a hundred of its kernels take as long to start


@dataclass(frozen=True)
class Measured:
    """One finished run.

    Attributes:
        load: what decides memory and time; no path, no name, no learning rate.
        gpu: the preset's name.
        seconds: of a micro-batch, without the first steps, caching, sampling, validation and saving.
        peak: bytes in use on the whole card, by NVML; None where it did not answer.
        steps: by which the seconds were measured.
        when: with its time zone, ISO 8601.
        version: of the kohya-wrap that measured.
    """

    load: Load
    gpu: str
    seconds: float
    peak: int | None
    steps: int
    when: str
    version: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.load)

    @property
    def family(self) -> FamilyName:
        return self.load.family


@dataclass(frozen=True)
class Estimate:
    """Attributes:
    seconds: of a micro-batch.
    within: a factor each way.
    runs: that stand behind it; none where it is the model's alone.
    alike: they had this very fingerprint.
    """

    seconds: float
    within: float = WITHIN
    runs: tuple[Measured, ...] = ()
    alike: bool = False

    @property
    def peak(self) -> int | None:
        """The highest of runs that were alike."""
        return max((one.peak for one in self.runs if self.alike and one.peak is not None), default=None)

    def is_off(self, seconds: float) -> bool:
        return not self.seconds / WITHIN <= seconds <= self.seconds * WITHIN


def fingerprint(load: Load) -> str:
    text = json.dumps(asdict(load), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def estimate(load: Load, gpu: str, runs: Iterable[Measured], counted: Callable[[Load], float]) -> Estimate:
    """By runs of the same fingerprint on this card; else by the model, as far as runs of the family there were off it.

    Args:
        counted: the model's seconds of a micro-batch on this card.
    """
    there = [one for one in runs if one.gpu == gpu and one.family is load.family]
    if not there:
        return Estimate(counted(load))
    own = fingerprint(load)
    if alike := tuple(one for one in there if one.fingerprint == own):
        return Estimate(median([one.seconds for one in alike]), ALIKE, alike, alike=True)
    off = [math.log(one.seconds / counted(one.load)) for one in there]
    return Estimate(counted(load) * math.exp(sum(off) / len(off)), SAME_FAMILY, tuple(there))


def need(counted: Need, peak: int | None) -> Need:
    """With the likely figure as it was measured, if it was."""
    if peak is None:
        return counted
    return replace(counted, likely=float(peak), shown=float(peak), conservative=ROOM * peak)


def median(values: Collection[float]) -> float:
    """Without `statistics`, which takes longer to import than a plan has."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def as_dict(run: Measured) -> dict[str, Any]:
    return {"fingerprint": run.fingerprint, "family": run.family.value, **asdict(run)}


def from_dict(data: Any, cards: Collection[str]) -> Measured:
    """What `as_dict` gave. Raises ValueError: it is no such thing, in words; others may have written it."""
    try:
        values: dict[str, Any] = {one.name: data[one.name] for one in fields(Measured)}
        samples = values["load"]["samples"]
        load = values["load"] | {"samples": samples and tuple(samples)}
        run = build(Measured, values | {"load": load})
        sound = _is_sound(run) and datetime.fromisoformat(run.when).tzinfo is not None
        hash(run)  # lists and tables where a word or a number must be
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise ValueError("is no measured run") from None
    if run.gpu not in cards:
        raise ValueError(f"is of a card that has no preset: {run.gpu[:40]!r}")
    if not sound:
        raise ValueError("has figures that no training has")
    if data.get("fingerprint") != run.fingerprint:
        raise ValueError("has another fingerprint than its setup: changed by hand, or by another version")
    return run


def _is_sound(run: Measured) -> bool:
    """Raises TypeError: a text where a number must be."""
    load, peak = run.load, 1 if run.peak is None else run.peak
    words = (
        (load.precision, Precision),
        (load.encoders, Encoders),
        (load.attention, Literal["sdpa", "none"]),
    )
    counts = (
        *load.size,
        *(load.samples or ()),
        load.batch,
        load.network_dim,
        load.conv_dim + 1,
        load.texts,
        run.steps,
    )
    return (
        all(word in get_args(known) for word, known in words)
        and len(load.size) == 2 == len(load.samples or (1, 1))
        and all(0 < count < _MOST for count in counts)
        and 0 <= load.state < _MOST > load.scratch >= 0
        and _LEAST <= run.seconds < _SECONDS
        and 0 < peak < _BYTES
    )
