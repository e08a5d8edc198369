"""What a watchdog says, by a clock, a disk and a GPU that the test turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.events import Advice, CheckpointKept, Progress, StateKept, Validated
from kohya_wrap.host import atomic
from kohya_wrap.host.gpu_meter import GpuMeter, GpuUse
from kohya_wrap.training import watchdog
from kohya_wrap.training.watchdog import Watchdog


class World:
    """Attributes:
    pace: seconds a step.
    busy: per cent of the GPU.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.step, self.pace, self.busy = 1000.0, 0, 1.0, 90
        self.free = 10**12
        self.folder = folder
        monkeypatch.setattr(watchdog.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(atomic, "free_bytes", lambda path: self.free)
        self.meter = GpuMeter("GPU-1")
        self.dog = Watchdog(folder, folder, self.meter)

    def train(self, steps: int) -> list[Advice]:
        said: list[Advice] = []
        for _ in range(steps):
            self.now += self.pace
            self.step += 1
            self.meter.latest = GpuUse(1, 2, self.busy)
            said += self.dog.told(Progress(self.step, 1000, 0.1, self.pace, 1))
            said += self.dog()
        return said


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def about(said: list[Advice]) -> set[str]:
    return {one.about for one in said}


def test_nothing_of_what_goes_well(world: World) -> None:
    assert world.train(1000) == []


def test_steps_that_take_more_than_twice_as_long(world: World) -> None:
    assert world.train(300) == []
    world.pace = 1.9
    assert world.train(300) == []
    world.pace = 2.5
    said = world.train(200)
    assert about(said) == {"slow"}
    assert said[0].text.startswith("a step takes 2.") and "took 1.00 s" in said[0].text


def test_a_save_is_no_slow_step(world: World) -> None:
    world.train(300)
    for _ in range(5):
        world.now += 400  # drawing samples
        (world.folder / "lo.safetensors").write_bytes(b"x")
        assert list(world.dog.told(CheckpointKept(str(world.folder / "lo.safetensors")))) == []
        assert world.train(200) == []


def test_a_gpu_that_waits(world: World) -> None:
    world.busy = 3
    said = world.train(400)
    assert about(said) == {"gpu-idle"} and "3 %" in said[0].text
    world.busy = 40
    world.train(130)
    assert world.train(600) == []


def test_no_gpu_is_not_idle(world: World) -> None:
    world.dog.meter = None
    world.busy = 0
    assert world.train(400) == []


def test_a_disk_without_room_for_the_next_save(world: World) -> None:
    state = world.folder / "lo-000001-state"
    state.mkdir()
    (state / "optimizer.bin").write_bytes(bytes(3_000_000))
    (world.folder / "lo-000001.safetensors").write_bytes(bytes(1_000_000))
    list(world.dog.told(StateKept(str(state), 1, 10)))
    list(world.dog.told(CheckpointKept(str(world.folder / "lo-000001.safetensors"))))
    world.free = 4_100_000
    assert world.train(100) == []
    world.free = 3_900_000
    said = world.train(100)
    assert about(said) == {"disk"}
    assert "has 4 MB left, and what is saved next takes 4 MB" in said[0].text


def test_it_looks_at_the_disk_every_half_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(atomic, "free_bytes", lambda path: asked.append(world.now) or 10**12)
    world.pace = 0.25
    world.train(4 * 300)
    assert len(asked) == 2 * 10, "of two folders, ten times in five minutes"


def test_a_validation_loss_that_rises_twice(world: World) -> None:
    said = [
        {one.about for one in world.dog.told(Validated(epoch, loss))}
        for epoch, loss in enumerate((0.2, 0.11, 0.12, 0.1, 0.11, 0.105), 1)
    ]
    assert said == [set()] * 5 + [{"overfits"}]
    (advice,) = world.dog.told(Validated(7, 0.13))
    assert advice.text.startswith("the validation loss was least after epoch 4 (0.1) and is 0.13 now")
