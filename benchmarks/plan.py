"""How long `plan` takes on a laptop, by the clock, imports and all.

    uv run --group dev python -m benchmarks.plan [--pictures 50] [--rounds 15]

JPEGs of 1024 x 1024, the guide's own config, every card. Alone on the machine, or the figure says nothing.
"""

from __future__ import annotations

import argparse
import compileall
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import kohya_wrap
from tests.fixtures.projects import GUIDE


def project(folder: Path, pictures: int) -> Path:
    data = folder / "training_data" / "10_concept"
    data.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for number in range(pictures):
        coarse = Image.fromarray(chance.integers(0, 255, (64, 64, 3), dtype=np.uint8))
        coarse.resize((1024, 1024), Image.Resampling.BICUBIC).save(data / f"{number}.jpg", quality=90)
        (data / f"{number}.txt").write_text("a concept", encoding="utf-8")
    shutil.copy(GUIDE, folder / "training_config.toml")
    return folder


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--pictures", type=int, default=50)
    words.add_argument("--rounds", type=int, default=15)
    asked = words.parse_args()
    compileall.compile_dir(str(Path(kohya_wrap.__file__).parent), quiet=1)  # as an installed one is
    with tempfile.TemporaryDirectory() as folder:
        where = project(Path(folder), asked.pictures)
        command = [sys.executable, "-m", "kohya_wrap", "plan", str(where)]
        taken = []
        for _ in range(asked.rounds):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken.append(time.perf_counter() - began)
    print(
        f"{asked.pictures} pictures: {min(taken):.2f} s at least, {statistics.median(taken):.2f} in the middle, {max(taken):.2f} at most"
    )


if __name__ == "__main__":
    main()
