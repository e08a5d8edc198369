"""What CUDA would see, and a driver that answers or does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import MachineError
from kohya_wrap.host import gpu

FOUND = tuple(Gpu(f"GPU-{index}f", f"card {index}", 24 << 30, (8, 9)) for index in range(3))


@pytest.mark.parametrize(
    ("variable", "indices"),
    [
        (None, [0, 1, 2]),
        ("0", [0]),
        ("1", [1]),
        ("2,0", [2, 0]),
        (" 1 , 2 ", [1, 2]),
        ("", []),
        ("-1", []),
        ("0,-1,1", [0]),  # CUDA stops at the first it does not know
        ("0,7,1", [0]),
        ("7", []),
        ("none", []),
        ("GPU-2", [2]),
        ("GPU-2f,GPU-0f", [2, 0]),
        ("GPU-7", []),
        ("MIG-7", [0, 1, 2]),
    ],
)
def test_visible(variable: str | None, indices: list[int]) -> None:
    assert gpu.visible(FOUND, variable) == tuple(FOUND[index] for index in indices)


@pytest.mark.parametrize(
    ("capability", "bf16"),
    [((7, 0), False), ((7, 5), False), ((8, 0), True), ((8, 6), True), ((12, 0), True)],
)
def test_bf16_starts_with_8_0(capability: tuple[int, int], bf16: bool) -> None:
    assert Gpu("GPU-0", "x", 0, capability).does_bf16 is bf16


class Nvml:
    """The driver's library with one card, failing at the call named."""

    def __init__(self, fails: str, error: type[Exception]) -> None:
        self.fails, self.error, self.open = fails, error, 0

    def call(self, name: str, answer: Any) -> Any:
        if name == self.fails:
            raise self.error(15)  # "the GPU is lost"
        return answer

    def install(self, monkeypatch: pytest.MonkeyPatch, pynvml: Any) -> None:
        memory = SimpleNamespace(total=24 << 30)
        answers = {
            "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetHandleByIndex": "handle",
            "nvmlDeviceGetMemoryInfo": memory,
            "nvmlDeviceGetCudaComputeCapability": (8, 9),
            "nvmlDeviceGetUUID": b"GPU-1b",
            "nvmlDeviceGetName": b"NVIDIA GeForce RTX 4090",
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, lambda *_, n=name, a=answer: self.call(n, a))
        monkeypatch.setattr(pynvml, "nvmlInit", lambda: self.count("nvmlInit", 1))
        monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: self.count("nvmlShutdown", -1))

    def count(self, name: str, change: int) -> None:
        self.call(name, None)
        self.open += change


@pytest.fixture
def pynvml() -> Any:
    return pytest.importorskip("pynvml")


def test_a_card_as_the_driver_names_it(monkeypatch: pytest.MonkeyPatch, pynvml: Any) -> None:
    driver = Nvml("", pynvml.NVMLError)
    driver.install(monkeypatch, pynvml)
    assert gpu.gpus() == (Gpu("GPU-1b", "NVIDIA GeForce RTX 4090", 24 << 30, (8, 9)),)
    assert driver.open == 0


def test_no_driver_is_no_card(monkeypatch: pytest.MonkeyPatch, pynvml: Any) -> None:
    Nvml("nvmlInit", pynvml.NVMLError).install(monkeypatch, pynvml)
    assert gpu.gpus() == ()


@pytest.mark.parametrize("fails", ["nvmlDeviceGetHandleByIndex", "nvmlDeviceGetMemoryInfo"])
def test_a_card_that_does_not_answer_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, pynvml: Any, fails: str
) -> None:
    driver = Nvml(fails, pynvml.NVMLError)
    driver.install(monkeypatch, pynvml)
    with pytest.raises(MachineError, match="does not answer"):
        gpu.gpus()
    assert driver.open == 0


def test_this_processor_has_cores() -> None:
    assert gpu.cpu().cores >= 1


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("900000 100000", 8), ("", 8)],
)
def test_a_container_s_share_of_the_cores(monkeypatch: pytest.MonkeyPatch, quota: str, cores: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(gpu, "_read", lambda path: f"{quota}\n" if path.endswith("cpu.max") else "")
    assert gpu.cpu().cores == cores
