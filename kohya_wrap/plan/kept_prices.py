"""What a provider last answered, kept for those who ask again within minutes, or whom it does not answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.host import atomic
from kohya_wrap.plan.asked import Row, WrongShape, number, rows

FRESH = 10 * 60.0  # seconds in which nobody is asked again
GOOD = 24 * 3600.0  # seconds in which it is better than a table that is months old


@dataclass(frozen=True)
class Kept:
    """Attributes:
    at: when it was answered, by the clock.
    """

    at: float
    rows: Sequence[Row]


def read(path: Path, fields: Sequence[str], now: float) -> Kept | None:
    """None where there is none that is young enough, or that can be read; `rows` are as doubtful as an answer's."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = rows(told, "rows", fields)
    except (OSError, ValueError, RecursionError, WrongShape):
        return None
    at = number(told.get("at"))
    return Kept(at, found) if at is not None and 0 <= now - at < GOOD else None


def write(path: Path, kept: Kept, secret: str) -> None:
    """Where that is possible: it only spares a question."""
    text = json.dumps({"at": kept.at, "rows": kept.rows})
    with suppress(OSError):
        atomic.write_text(path, text.replace(secret, "***") if secret else text)
