"""events.jsonl: the run's record, append-only, flushed with every event."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import IO, Any

from kohya_wrap.domain.events import Event, from_dict
from kohya_wrap.host import atomic


class Journal:
    """One line an event: {"time": seconds since the epoch, "event": kind, ...}. A killed writer leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        cut_short = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._file: IO[str] = path.open("a", encoding="utf-8")
        if cut_short:  # the machine was lost while it wrote: the next line is one of its own
            self._file.write("\n")

    def write(self, event: Event) -> None:
        # NaN is no JSON: it is written as the text the engine printed.
        values = {name: _json(value) for name, value in event.as_dict().items()}
        with atomic.named(self._path):
            self._file.write(json.dumps({"time": round(time.time(), 3), **values}, ensure_ascii=False) + "\n")
            self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        with atomic.named(self._path):
            self._file.close()


def read(path: Path) -> list[tuple[float, Event]]:
    """(seconds since the epoch, event) of a run, without a line that a lost machine has cut short or spoiled."""
    found = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                data = json.loads(line)
                when, event = float(data["time"]), from_dict(data)
            except (ValueError, TypeError, KeyError):
                continue
            if event is not None:
                found.append((when, event))
    return found


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
