"""How full and how busy a GPU is, asked now and then from a thread of its own: a driver that hangs holds nobody up."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class GpuUse:
    """Attributes:
    used, memory: bytes, by all processes on the card.
    busy: per cent of the last moments in which it computed; None where the card does not tell (a slice of one).
    """

    used: int
    memory: int
    busy: int | None


class GpuMeter:
    """`latest` is None as long as there is no answer: no driver, no such card, or one that fell off the bus.

    `peak` is the most that was used at any look; None where there was no answer ever.
    """

    def __init__(self, uuid: str, every: float = _EVERY) -> None:
        self._uuid = uuid
        self._every = every
        self._ended = threading.Event()
        self.latest: GpuUse | None = None
        self.peak: int | None = None

    def __enter__(self) -> GpuMeter:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        threading.Thread(target=self._measure, name="gpu-meter", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _measure(self) -> None:
        import pynvml

        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return
        try:
            while not self._ended.is_set():
                self.latest = use = _use(pynvml, self._uuid)
                if use is not None:
                    self.peak = max(use.used, self.peak or 0)
                self._ended.wait(self._every)
        finally:
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def _use(pynvml: Any, uuid: str) -> GpuUse | None:
    try:
        card = pynvml.nvmlDeviceGetHandleByUUID(uuid.encode())
        memory = pynvml.nvmlDeviceGetMemoryInfo(card)
    except pynvml.NVMLError:
        return None
    try:
        busy: int | None = int(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
    except pynvml.NVMLError:
        busy = None
    return GpuUse(int(memory.used), int(memory.total), busy)
