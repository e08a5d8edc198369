"""`dataset check` against one process that opens and loads each file with Pillow: seconds an image, and peak memory.

    uv run --group dev python -m benchmarks.dataset_check [--images 1000 10000] [--rounds 3] [--distinct 200]

Pictures of 1 to 4 megapixels: photographs of scikit-image enlarged, with a camera's noise, half of them JPEG, a quarter
PNG, a quarter WebP. `--distinct` of them are made and then linked under as many names as are asked for, with a caption
each, so that ten thousand fit the disk; all are in the page cache for both sides. The sides alternate.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

FORMATS = (".jpg", ".png", ".jpg", ".webp")
SHAPES = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9)
SOURCES = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "immunohistochemistry")
PILLOW = "import sys\nfrom pathlib import Path\nfrom PIL import Image\nfor path in sorted(Path(sys.argv[1]).glob('*/*')):\n    if path.suffix != '.txt':\n        with Image.open(path) as image:\n            image.load()"


@dataclass(frozen=True)
class Ran:
    """Attributes:
    peak: resident memory in MB.
    """

    seconds: float
    peak: float


def pictures(folder: Path, count: int) -> list[Path]:
    import numpy as np
    from PIL import Image
    from skimage import data

    noise, draw = np.random.default_rng(1), random.Random(1)
    sources = [Image.fromarray(np.asarray(getattr(data, name)())).convert("RGB") for name in SOURCES]
    made = []
    for number in range(count):
        pixels, shape = draw.uniform(1e6, 4e6), draw.choice(SHAPES)
        size = (round((pixels * shape) ** 0.5), round((pixels / shape) ** 0.5))
        large = np.asarray(sources[number % len(sources)].resize(size, Image.Resampling.LANCZOS)).astype(
            "int16"
        )
        noisy = np.clip(large + noise.normal(0, 4, large.shape).astype("int16"), 0, 255).astype("uint8")
        path = folder / f"{number:05}{FORMATS[number % len(FORMATS)]}"
        Image.fromarray(noisy).save(path, quality=90)
        made.append(path)
    return made


def linked(made: list[Path], folder: Path, count: int) -> Path:
    """A train_data_dir of `count` names for them, with a caption each."""
    concept = folder / "10_thing"
    concept.mkdir(parents=True)
    for number, picture in enumerate(islice(cycle(made), count)):
        os.link(picture, concept / f"{number:05}{picture.suffix}")
        (concept / f"{number:05}.txt").write_text(
            f"sks thing, photograph number {number}, of something seen\n"
        )
    return folder


def run(*argv: str) -> Ran:
    began = time.monotonic()
    with Path(os.devnull).open("w") as nothing:
        child = os.posix_spawn(
            argv[0], argv, os.environ | {"CUDA_VISIBLE_DEVICES": ""},
            file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1), (os.POSIX_SPAWN_DUP2, nothing.fileno(), 2)],
        )  # fmt: skip
        _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"{argv} ended with {os.waitstatus_to_exitcode(status)}")
    return Ran(time.monotonic() - began, used.ru_maxrss / 1024)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--images", type=int, nargs="+", default=[1000, 10000])
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--distinct", type=int, default=200)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataset-check-") as folder:
        (Path(folder) / "made").mkdir()
        made = pictures(Path(folder) / "made", asked.distinct)
        for count in asked.images:
            data = str(linked(made, Path(folder) / str(count), count))
            pillow, ours = [], []
            for _ in range(asked.rounds):
                pillow.append(run(sys.executable, "-c", PILLOW, data))
                ours.append(run(sys.executable, "-m", "kohya_wrap", "dataset", "check", data, "--json"))
            theirs, mine = (statistics.median(one.seconds for one in side) for side in (pillow, ours))
            ratios = ", ".join(f"{t.seconds / o.seconds:.2f}" for t, o in zip(pillow, ours, strict=True))
            print(
                f"{count} images: Pillow {theirs / count * 1e3:.1f} ms each, dataset check {mine / count * 1e3:.1f} ms: "
                f"{theirs / mine:.2f} times as fast (rounds: {ratios}); "
                f"peak {max(one.peak for one in pillow):.0f} MB and {max(one.peak for one in ours):.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
