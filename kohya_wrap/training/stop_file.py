"""How another shell asks a run to stop: a file in its folder, which whoever watches the trainer looks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_AT_ONCE = "now"


@dataclass(frozen=True)
class StopFile:
    run: Path

    @cached_property  # it is asked several times a second
    def _path(self) -> Path:
        return self.run / "stop"

    def ask(self, *, at_once: bool) -> None:
        self._path.write_text(_AT_ONCE if at_once else "after the next state", encoding="utf-8")

    def asks(self) -> bool:
        return self._path.exists()

    def asks_at_once(self) -> bool:
        return self._path.exists() and self._path.read_text(encoding="utf-8") == _AT_ONCE

    def clear(self) -> None:
        """What was asked of an earlier attempt is not asked of the next."""
        self._path.unlink(missing_ok=True)
