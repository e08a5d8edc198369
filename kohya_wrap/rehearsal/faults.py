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


class OutOfMemoryError(RuntimeError):
    __module__ = "torch"  # the traceback then ends with the engine's words


class Faults:
    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises ValueError for an order that is none: rehearsing no fault unawares would mislead."""
        orders = environment.get("KOHYA_WRAP_REHEARSAL_FAULT", "").replace(" ", "")
        self._orders = set(filter(None, orders.split(",")))
        self._marks = environment.get("KOHYA_WRAP_REHEARSAL_FAULT_ONCE")
        for order in self._orders:
            if not re.fullmatch(r"(oom|nan|crash|hang)@\d+|disk-full@(save|state)", order):
                known = "oom@N, nan@N, crash@N, hang@N, disk-full@save, disk-full@state"
                raise ValueError(f"KOHYA_WRAP_REHEARSAL_FAULT: {order!r} is none of {known}")

    def at_step(self, step: int) -> float:
        """Strike while `step` (from 1) is computed; the factor returned, 1 or NaN, spoils its latents."""
        if self.strikes(f"oom@{step}"):
            raise OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total capacity of 23.64 GiB "
                "of which 310.81 MiB is free."
            )
        if self.strikes(f"crash@{step}"):
            os.kill(os.getpid(), signal.SIGKILL)
        while self.strikes(f"hang@{step}"):
            time.sleep(1e6)
        return float("nan") if self.strikes(f"nan@{step}") else 1.0

    def strikes(self, order: str) -> bool:
        if order not in self._orders:
            return False
        if self._marks:
            mark = Path(self._marks) / order
            if mark.exists():
                return False
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        return True
