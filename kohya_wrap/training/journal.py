"""events.jsonl: the run's record, append-only, flushed with every event."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import IO, Any

from kohya_wrap.domain.events import Event


class Journal:
    """One line an event: {"time": seconds since the epoch, "event": kind, ...}. A killed writer leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, event: Event) -> None:
        # NaN is no JSON: it is written as the text the engine printed.
        values = {name: _json(value) for name, value in event.as_dict().items()}
        self._file.write(json.dumps({"time": round(time.time(), 3), **values}, ensure_ascii=False) + "\n")
        self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
