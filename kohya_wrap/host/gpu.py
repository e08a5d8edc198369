"""What computes here: NVIDIA GPUs by NVML, and the processor."""

from __future__ import annotations

import os
from pathlib import Path

from kohya_wrap.domain.hardware import Cpu, Gpu
from kohya_wrap.errors import MachineError


def gpus() -> tuple[Gpu, ...]:
    """All NVIDIA GPUs of this machine, in NVML's order; empty where there is no driver.

    Raises:
        MachineError: the driver is there and a GPU does not answer it.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        driver = _text(pynvml.nvmlSystemGetDriverVersion())
        return tuple(_gpu(pynvml, index, driver) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        raise MachineError(
            f"A GPU of this machine does not answer: {error}.",
            why="It fell off the bus, or this container may not ask it.",
            hint="nvidia-smi   (if that fails too: restart the instance, or rent another)",
        ) from error
    finally:
        pynvml.nvmlShutdown()


def _gpu(pynvml, index: int, driver: str) -> Gpu:  # type: ignore[no-untyped-def]  # a module without types
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    name = _text(pynvml.nvmlDeviceGetName(handle))
    return Gpu(index, name, int(memory.total), int(memory.free), (capability[0], capability[1]), driver)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def visible(found: tuple[Gpu, ...], cuda_visible_devices: str | None) -> tuple[Gpu, ...]:
    """What CUDA would see: CUDA_VISIBLE_DEVICES picks by number, up to the first that
    does not exist; an empty value hides all.

    Names like GPU-1b2c… say nothing here: all are returned.
    """
    if cuda_visible_devices is None or cuda_visible_devices.strip().startswith(("GPU-", "MIG-")):
        return found
    seen = []
    for word in cuda_visible_devices.split(","):
        if not word.strip().isdecimal() or int(word) >= len(found):
            break
        seen.append(found[int(word)])
    return tuple(seen)


def cpu() -> Cpu:
    """Cores this process may use, and whether they multiply in bfloat16."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        flags = ""
    return Cpu(cores, " avx512_bf16" in flags or " amx_bf16" in flags)
