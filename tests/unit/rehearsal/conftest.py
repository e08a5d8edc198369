"""A small dataset and a way to run the rehearsal's scripts as the wrapper does: as child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import toml
from PIL import Image

SOURCE = Path(__file__).parents[3] / "kohya_wrap" / "rehearsal"
FLAGS = (
    "--num_cpu_threads_per_process", "1", "--num_processes", "1", "--num_machines", "1",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--cpu",
)  # fmt: skip
SQUARE, WIDE, TALL = (64, 64), (96, 32), (32, 96)


@dataclass
class Bench:
    """One project folder: `data`, `out`, and the options that every run of it starts from."""

    root: Path
    bytecode: Path  # kept from test to test, or every child compiles NumPy anew

    @property
    def out(self) -> Path:
        return self.root / "out"

    def images(self, *sizes: tuple[int, int], folder: str = "1_thing", parent: str = "data") -> Path:
        place = self.root / parent / folder
        place.mkdir(parents=True, exist_ok=True)
        for number, size in enumerate(sizes):
            colour = (number * 37 % 256, number * 91 % 256, 255 - number * 53 % 256)
            Image.new("RGB", size, colour).save(place / f"image{number:02d}.png")
            (place / f"image{number:02d}.txt").write_text(f"thing, tag{number % 3}\nsecond line\n")
        return place

    def config(self, **changes: Any) -> Path:
        """The options file; a change to None takes the option out."""
        options: dict[str, Any] = {
            "train_data_dir": str(self.root / "data"), "output_dir": str(self.out), "output_name": "lo",
            "resolution": "128,128", "enable_bucket": True, "min_bucket_reso": 64, "max_bucket_reso": 256,
            "network_module": "networks.lora", "network_dim": 8, "network_alpha": 4.0, "learning_rate": 1e-3,
            "caption_extension": ".txt", "train_batch_size": 2, "max_train_epochs": 2, "seed": 7,
        }  # fmt: skip
        kept = {name: value for name, value in (options | changes).items() if value is not None}
        path = self.root / "engine_config.toml"
        path.write_text(toml.dumps(kept), encoding="utf-8")
        return path

    def argv(self, *, launcher: bool = False, script: str = "train_network.py") -> list[str]:
        launch = [str(SOURCE / "launch.py"), *FLAGS] if launcher else []
        config = str(self.root / "engine_config.toml")
        return [sys.executable, *launch, str(SOURCE / script), "--config_file", config]

    def environment(self, **changes: str) -> Mapping[str, str]:
        quick = {
            "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0", "COLUMNS": "200", "PYTHONUTF8": "1",
            "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.bytecode),
        }  # fmt: skip
        return os.environ | quick | changes

    def train(
        self, *, launcher: bool = False, script: str = "train_network.py",
        env: Mapping[str, str] | None = None, arguments: tuple[str, ...] = (), **changes: Any,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        self.config(**changes)
        return subprocess.run(
            [*self.argv(launcher=launcher, script=script), *arguments],
            env=self.environment(**(env or {})),
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def files(self) -> set[str]:
        return (
            {str(path.relative_to(self.out)) for path in self.out.iterdir()} if self.out.exists() else set()
        )


@pytest.fixture
def bench(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path, tmp_path_factory.getbasetemp() / "bytecode")
