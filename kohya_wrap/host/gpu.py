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
        return tuple(_gpu(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        raise MachineError(
            f"A GPU of this machine does not answer: {error}.",
            why="It fell off the bus, or this container may not ask it.",
            hint="nvidia-smi   (if that fails too: restart the instance, or rent another)",
        ) from error
    finally:
        pynvml.nvmlShutdown()


def _gpu(pynvml, index: int) -> Gpu:  # type: ignore[no-untyped-def]  # a module without types
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    uuid, name = _text(pynvml.nvmlDeviceGetUUID(handle)), _text(pynvml.nvmlDeviceGetName(handle))
    return Gpu(uuid, name, memory, (capability[0], capability[1]))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def visible(found: tuple[Gpu, ...], cuda_visible_devices: str | None) -> tuple[Gpu, ...]:
    """The cards that CUDA_VISIBLE_DEVICES leaves, up to the first that does not exist; an empty value hides all.

    A number counts in NVML's order (by PCI bus), which is CUDA's only where all cards are alike.
    """
    # "MIG-…" is a slice of a card: its own affair.
    if cuda_visible_devices is None or cuda_visible_devices.startswith("MIG-"):
        return found
    seen = []
    for word in map(str.strip, cuda_visible_devices.split(",")):
        named = [gpu for gpu in found if word.startswith("GPU-") and gpu.uuid.startswith(word)]
        if word.isdecimal() and int(word) < len(found):
            named = [found[int(word)]]
        if not named:
            break
        seen.append(named[0])
    return tuple(seen)


def cpu() -> Cpu:
    """Cores this process may use (a container's share of them), and whether they multiply in bfloat16."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = _read("/proc/cpuinfo")
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").strip().partition(" ")
    if quota.isdecimal() and period.isdecimal():
        cores = max(1, min(cores, int(quota) // int(period)))
    return Cpu(cores, " avx512_bf16" in flags or " amx_bf16" in flags)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
