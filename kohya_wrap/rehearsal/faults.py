"""Faults on order: KOHYA_WRAP_REHEARSAL_FAULT=oom@12,nan@20,crash@30,hang@30,disk-full@save (or @state).

A step is the process's own, as its bar counts. Where KOHYA_WRAP_REHEARSAL_FAULT_ONCE names a folder, a fault
that has struck leaves a mark there and strikes no more: so the attempt after it can be seen to recover.
"""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class OutOfMemoryError(RuntimeError):
    __module__ = "torch"  # the traceback then ends with the engine's words


class Faults:
    def __init__(self) -> None:
        """Raises ValueError for an order that is none: rehearsing no fault unawares would mislead."""
        self._orders = re.findall(r"[^\s,]+", os.environ.get("KOHYA_WRAP_REHEARSAL_FAULT", ""))
        self._marks = os.environ.get("KOHYA_WRAP_REHEARSAL_FAULT_ONCE")
        for order in self._orders:
            if not re.fullmatch(r"(oom|nan|crash|hang)@\d+|disk-full@(save|state)", order):
                known = "(oom|nan|crash|hang)@STEP, disk-full@save, disk-full@state"
                raise ValueError(f"KOHYA_WRAP_REHEARSAL_FAULT: {order!r} is none of {known}")

    def at_step(self, step: int, latents: NDArray[np.float32]) -> None:
        """Strike while `step` (from 1) is computed from these latents."""
        if self.strikes(f"oom@{step}"):
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 MiB.")
        if self.strikes(f"crash@{step}"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.strikes(f"hang@{step}"):
            time.sleep(1e6)
        if self.strikes(f"nan@{step}"):
            latents[...] = np.nan

    def strikes(self, order: str) -> bool:
        mark = Path(self._marks, order) if self._marks else None
        if order not in self._orders or (mark and mark.exists()):
            return False
        if mark:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        return True
