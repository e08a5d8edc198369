"""What every check returns."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Level(str, Enum):
    NOTE = "note"  # something was done for the user, and is said
    WARNING = "warning"  # goes on, but the result may not be what was meant
    ERROR = "error"  # nothing is started


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying about a config, a dataset or a run.

    Attributes:
        code: stable, kebab-case, for scripts (`spelling`, `warmup-longer-than-run`).
        message: what is so, one line.
        hint: what to type or change, one line; empty where nothing need be done.
        where: `file:line` or a path, empty where it has none.
    """

    level: Level
    code: str
    message: str
    hint: str = ""
    where: str = ""


def typed(path: Path | str) -> str:
    """A path as it stands in a hint's command, whatever is in its name."""
    return shlex.quote(str(path))
