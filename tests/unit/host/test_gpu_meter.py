"""How full a card is, from a driver that answers, answers in part, is not there, or hangs."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from kohya_wrap.host.gpu_meter import GpuMeter, GpuUse


class Nvml:
    """The driver's library with the card GPU-1b; what is named in `fails` raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fails: str) -> None:
        self.asked = 0
        self.fails = set(fails)
        answers: dict[str, Any] = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlDeviceGetHandleByUUID": "card",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=12 << 30, total=24 << 30),
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97, memory=40),
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, self._call(name, answer))

    def _call(self, name: str, answer: Any) -> Any:
        def call(*arguments: object) -> Any:
            self.asked += name == "nvmlDeviceGetHandleByUUID"
            if name in self.fails or (arguments and arguments[0] not in (b"GPU-1b", "card")):
                raise pynvml.NVMLError(15)
            return answer

        return call


def measured(meter: GpuMeter, wanted: GpuUse | None) -> GpuUse | None:
    meter.start()
    end = time.monotonic() + 5
    while meter.latest != wanted and time.monotonic() < end:
        time.sleep(0.01)
    return meter.latest


def test_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    Nvml(monkeypatch)
    meter, use = GpuMeter("GPU-1b"), GpuUse(12 << 30, 24 << 30, 97)
    assert measured(meter, use) == use
    meter.stop()


def test_a_slice_of_a_card_does_not_say_how_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Nvml(monkeypatch, "nvmlDeviceGetUtilizationRates")
    use = GpuUse(12 << 30, 24 << 30, None)
    assert measured(GpuMeter("GPU-1b"), use) == use


@pytest.mark.parametrize("fails", ["nvmlInit", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetMemoryInfo"])
def test_no_answer_is_no_failure(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    Nvml(monkeypatch, fails)
    meter = GpuMeter("GPU-1b", every=0.01)
    meter.start()
    time.sleep(0.1)
    assert (meter.latest, meter.peak, failed) == (None, None, [])
    meter.stop()


def test_a_card_that_is_lost_shows_no_old_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = Nvml(monkeypatch)
    meter = GpuMeter("GPU-1b", every=0.01)
    assert measured(meter, GpuUse(12 << 30, 24 << 30, 97))
    nvml.fails.add("nvmlDeviceGetMemoryInfo")
    time.sleep(0.1)
    assert meter.latest is None
    meter.stop()


def test_the_peak_is_the_most_that_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when less is used later, and when the card does not answer any more."""
    nvml = Nvml(monkeypatch)
    looks = iter([3, 9, 4])
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetMemoryInfo", lambda card: SimpleNamespace(used=next(looks, 1), total=24)
    )
    meter = GpuMeter("GPU-1b", every=0.01)
    assert meter.peak is None
    assert measured(meter, GpuUse(1, 24, 97)) and meter.peak == 9
    nvml.fails.add("nvmlDeviceGetHandleByUUID")
    time.sleep(0.1)
    assert (meter.latest, meter.peak) == (None, 9)
    meter.stop()


def test_asked_only_now_and_then_and_no_more_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = Nvml(monkeypatch)
    meter = GpuMeter("GPU-1b")
    measured(meter, GpuUse(12 << 30, 24 << 30, 97))
    time.sleep(0.2)
    meter.stop()
    assert nvml.asked == 1


def test_a_driver_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    Nvml(monkeypatch)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: time.sleep(3))
    meter = GpuMeter("GPU-1b")
    began = time.monotonic()
    meter.start()
    meter.stop()
    assert time.monotonic() - began < 1
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "gpu-meter")
