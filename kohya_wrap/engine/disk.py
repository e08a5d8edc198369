"""Enough free space, asked before a download rather than found out during it."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic


def require_free(folder: Path, needed: int, what: str) -> None:
    """Check that `needed` bytes are free where `folder` lies or will lie.

    Raises:
        MachineError: there are fewer.
    """
    free = atomic.free_bytes(folder)
    if free < needed:
        raise MachineError(
            f"The disk is too small for {what}.",
            why=f"It needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free at {folder}.",
            hint="Free space, or set KOHYA_WRAP_HOME to a folder on a larger disk, and run it again.",
        )
