"""Commands as a person at this prompt would type them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = "kohya-wrap"


def program(started_as: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """`kohya-wrap` where the shell finds it, else the path of the one that runs now."""
    started = Path(sys.argv[0] if started_as is None else started_as)
    # `uv run` puts the environment on the PATH of its child alone, and leaves this mark.
    on_path = shutil.which(NAME, path=env.get("PATH", "")) and "UV_RUN_RECURSION_DEPTH" not in env
    if started.stem != NAME or on_path:
        return NAME
    return path(started.absolute())


def path(absolute: Path) -> str:
    """Relative where it lies below this folder, quoted where it must be."""
    here = Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
