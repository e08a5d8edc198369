"""Cut off at any moment, and said again: nothing is half there, nothing whole is fetched twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import toml

from kohya_wrap.places import Places
from tests.fixtures import weight_files
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.shell import Shell
from tests.fixtures.small_engine import SmallEngine

KILLS = 30
SEED = 20261124
KEY = "owner/repo/base.safetensors"
BASE = weight_files.safetensors(weight_files.SD15, size=1_000_000)
BYTES_PER_SECOND = 2_000_000
IN_FLIGHT = 400_000  # sent, and not yet on disk, when a kill strikes


def kill(child: subprocess.Popen[str]) -> None:
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


@dataclass(frozen=True)
class Machine:
    """One KOHYA_WRAP_HOME with one project, and what was once seen whole there."""

    home: Path
    engine: SmallEngine
    photographs: Path

    @property
    def places(self) -> Places:
        return Places(self.home)

    @property
    def project(self) -> Path:
        return self.home.with_name(f"{self.home.name}-project")

    @property
    def weights(self) -> Path:
        return self.places.weights / "owner--repo" / "base.safetensors"

    def start(self, shell: Shell, hub: LoopbackHub) -> subprocess.Popen[str]:
        return shell.start(
            "init", self.project, "--gpu", "cpu", "--base", f"hf:{KEY}", "--images", self.photographs,
            "--trigger", "sks", KOHYA_WRAP_HOME=str(self.home), **hub.env,
        )  # fmt: skip

    def whole(self) -> dict[Path, int]:
        """What nobody needs to make again, with the moment it was made."""
        done = [
            self.engine.source(self.places),
            self.engine.marker(self.places),
            *self.engine.vocabularies(self.places),
            self.weights,
            self.project / "training_data" / "10_concept" / "camera.txt",
            self.project / "training_config.toml",
        ]
        return {path: path.stat().st_mtime_ns for path in done if path.is_file()}

    def check_complete(self) -> None:
        assert self.engine.is_complete(self.places)
        assert self.weights.read_bytes() == BASE
        assert (self.project / "models" / "base.safetensors").samefile(self.weights)
        built = self.project / "training_data" / "10_concept"
        assert len(list(built.glob("*.txt"))) == 8 == len(list(built.iterdir())) - 8
        assert all(path.read_text(encoding="utf-8").startswith("sks, ") for path in built.glob("*.txt"))
        toml.load(self.project / "training_config.toml")
        left = [*self.project.rglob("*.part*"), *self.project.rglob("*.old"), *self.home.rglob("*.old")]
        left += self.home.glob("*/.*.part*")
        assert left == []


def test_init_killed_thirty_times(
    small: Shell, engine: SmallEngine, tmp_path: Path, photographs: Path
) -> None:
    chance = random.Random(SEED)
    stages: set[int] = set()
    kills = number = 0
    takes = 0.0  # seconds that the way takes uninterrupted, as the first machine shows

    def enough() -> bool:
        """Moments are drawn by the clock, and beside other work they may all be of one kind: then some more."""
        return kills >= KILLS and (len(stages) > 3 or kills >= 3 * KILLS)

    while not enough():
        number += 1
        machine = Machine(tmp_path / f"machine-{number}", engine, photographs)
        with LoopbackHub(bytes_per_second=BYTES_PER_SECOND) as hub:
            hub.put("owner/repo", "base.safetensors", BASE)
            interrupted = 0
            code = None
            while code is None:
                before, served = machine.whole(), hub.served[KEY]
                began = time.monotonic()
                child = machine.start(small, hub)
                spared = number == 1 or enough()
                try:
                    _, err = child.communicate(timeout=60 if spared else chance.uniform(0.1, takes))
                    code = child.returncode
                except subprocess.TimeoutExpired:
                    kill(child)
                    kills += 1
                    interrupted += 1
                after = machine.whole()
                stages.add(len(after))
                assert {path: after.get(path) for path in before} == before  # kept, not made anew
                if machine.weights in before:
                    assert hub.served[KEY] == served
            takes = takes or 0.65 * (time.monotonic() - began)  # uv has a cache from now on
            assert code == 0, err
            machine.check_complete()
            assert hub.served[KEY] <= len(BASE) + interrupted * IN_FLIGHT
    assert len(stages) > 3  # they were cut off at moments of every kind


def test_two_at_once_on_one_home(
    small: Shell, engine: SmallEngine, tmp_path: Path, photographs: Path, places: Places
) -> None:
    with LoopbackHub(bytes_per_second=BYTES_PER_SECOND) as hub:
        hub.put("owner/repo", "base.safetensors", BASE)
        words = ("--gpu", "cpu", "--base", f"hf:{KEY}", "--images", photographs)
        both = [small.start("init", name, *words, **hub.env) for name in ("one", "two")]
        ends = [(child.communicate(timeout=60)[1], child.returncode) for child in both]
        assert ends == [("", 0), ("", 0)]
        assert hub.served[KEY] == len(BASE)
    assert engine.is_complete(places)
    for name in ("one", "two"):
        assert (tmp_path / name / "models" / "base.safetensors").read_bytes() == BASE
        assert (tmp_path / name / "training_config.toml").is_file()
