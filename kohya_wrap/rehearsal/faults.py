"""Faults on order: KOHYA_WRAP_REHEARSAL_FAULT=oom@12,nan@20,crash@30,hang@30,disk-full@save (or @state).

A step is the process's own, as its bar counts. Where KOHYA_WRAP_REHEARSAL_FAULT_ONCE names a folder, a fault
that has struck leaves a mark there and strikes no more: so the attempt after it can be seen to recover.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KNOWN = "oom@STEP, nan@STEP, crash@STEP, hang@STEP, disk-full@save, disk-full@state"


class OutOfMemoryError(RuntimeError):
    __module__ = "torch"  # the traceback then ends with the engine's words


def orders(env: Mapping[str, str]) -> list[str]:
    """Raises ValueError for an order that is none: rehearsing no fault unawares would mislead."""
    found = re.findall(r"[^\s,]+", env.get("KOHYA_WRAP_REHEARSAL_FAULT", ""))
    for order in found:
        if not re.fullmatch(r"(oom|nan|crash|hang)@\d+|disk-full@(save|state)", order):
            raise ValueError(f"KOHYA_WRAP_REHEARSAL_FAULT: {order!r} is none of {KNOWN}")
    return found


class Faults:
    def __init__(self) -> None:
        """Raises ValueError, as `orders`."""
        self._orders = orders(os.environ)
        self._marks = os.environ.get("KOHYA_WRAP_REHEARSAL_FAULT_ONCE")

    def at_step(self, step: int, latents: NDArray[np.float32]) -> None:
        """Strike while `step` (from 1) is computed from these latents."""
        if self.strikes(f"oom@{step}"):
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 MiB.")
        if self.strikes(f"crash@{step}"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.strikes(f"hang@{step}"):
            time.sleep(1e6)
        if self.strikes(f"nan@{step}"):
            latents[...] = float("nan")

    def strikes(self, order: str) -> bool:
        mark = Path(self._marks, order) if self._marks else None
        if order not in self._orders or (mark and mark.exists()):
            return False
        if mark:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        return True
