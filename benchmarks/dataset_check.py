"""`dataset check` against one process that opens and loads each file with Pillow: seconds an image, and peak memory.

    uv run --group dev python -m benchmarks.dataset_check [--images 1000 10000] [--rounds 3] [--megapixels 1 4] [--keep FOLDER]

Each picture is another one: a cut of a photograph of scikit-image, in colours of its own, enlarged, with a camera's noise;
half of them JPEG, a quarter PNG, a quarter WebP, with a caption each. Ten thousand of them take some 20 GB, and half an
hour to make: --keep keeps them, for a time when the machine is idle. The sides alternate. What is claimed of pictures
that large is judged at the end, and where it is not met the exit code is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FORMATS = (".jpg", ".png", ".jpg", ".webp")
SHAPES = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9)
SOURCES = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "immunohistochemistry")
PILLOW = "import sys\nfrom pathlib import Path\nfrom PIL import Image\nfor path in sorted(Path(sys.argv[1]).glob('*/*')):\n    if path.suffix != '.txt':\n        with Image.open(path) as image:\n            image.load()"
FASTER = 1.5  # at least so many times as fast as Pillow alone loads them
GROWS = 1.5  # at most so many times, from the fewest images to the most: seconds an image, and peak memory


@dataclass(frozen=True)
class Ran:
    """Attributes:
    peak: resident memory in MB.
    """

    seconds: float
    peak: float


@dataclass(frozen=True)
class Compared:
    """Medians of the seconds, the highest peak of `dataset check` in MB."""

    images: int
    pillow: float
    ours: float
    peak: float


def pictures(folder: Path, count: int, megapixels: Sequence[float]) -> None:
    import numpy as np
    from PIL import Image
    from skimage import data

    noise = np.random.default_rng(1).normal(0, 4, (1 << 20) + 99991).astype("int16")
    sources = [np.asarray(getattr(data, name)())[..., :3] for name in SOURCES]
    for number in range(count):
        path = folder / f"{number:05}{FORMATS[number % len(FORMATS)]}"
        if path.with_suffix(".txt").exists():  # written last, by an earlier run
            continue
        draw = random.Random(number)
        source, shape = sources[number % len(sources)], draw.choice(SHAPES)
        pixels = draw.uniform(*megapixels) * 1e6
        size = (round((pixels * shape) ** 0.5), round((pixels / shape) ** 0.5))
        height, width = (round(side * draw.uniform(0.3, 0.9)) for side in source.shape[:2])
        top, left = draw.randint(0, source.shape[0] - height), draw.randint(0, source.shape[1] - width)
        cut = source[top : top + height, left : left + width, draw.sample(range(3), 3)]
        large = np.asarray(Image.fromarray(np.ascontiguousarray(cut)).resize(size)).astype("int16")
        grain = np.resize(noise[draw.randrange(99991) :], large.shape)
        noisy = np.clip(large * draw.uniform(0.7, 1.2) + grain, 0, 255).astype("uint8")
        Image.fromarray(noisy).save(path, quality=90, compress_level=1, method=2)
        path.with_suffix(".txt").write_text(f"sks thing, photograph number {number}, of something seen\n")


def linked(made: Path, folder: Path, count: int) -> Path:
    """A train_data_dir of the first `count` of them."""
    concept = folder / "10_thing"
    concept.mkdir(parents=True)
    for path in sorted(made.iterdir())[: 2 * count]:  # each with its caption
        os.link(path, concept / path.name)
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
    if used.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        sys.exit(
            "a child's peak begins at that of its parent, and this one is not above it: nothing is measured"
        )
    return Ran(time.monotonic() - began, used.ru_maxrss / 1024)


def compared(data: Path, count: int, rounds: int) -> Compared:
    pillow, ours = [], []
    for _ in range(rounds):
        pillow.append(run(sys.executable, "-c", PILLOW, str(data)))
        ours.append(run(sys.executable, "-m", "kohya_wrap", "dataset", "check", str(data), "--json"))
    theirs, mine = (statistics.median(one.seconds for one in side) for side in (pillow, ours))
    peak = max(one.peak for one in ours)
    ratios = ", ".join(f"{t.seconds / o.seconds:.2f}" for t, o in zip(pillow, ours, strict=True))
    print(
        f"{count} images: Pillow {theirs / count * 1e3:.1f} ms each, dataset check {mine / count * 1e3:.1f} ms: "
        f"{theirs / mine:.2f} times as fast (rounds: {ratios}); "
        f"peak {max(one.peak for one in pillow):.0f} MB and {peak:.0f} MB",
        flush=True,
    )
    return Compared(count, theirs, mine, peak)


def met(each: Sequence[Compared]) -> bool:
    """Print what is claimed and whether it holds."""
    fewest, most = min(each, key=lambda one: one.images), max(each, key=lambda one: one.images)
    claims = [
        (f"{one.images} images, times as fast as Pillow", one.pillow / one.ours, "at least", FASTER)
        for one in each
    ]
    if most.images > fewest.images:
        growth = f"from {fewest.images} to {most.images} images, times"
        slower = most.ours / most.images / (fewest.ours / fewest.images)
        claims.append((f"{growth} the seconds an image", slower, "at most", GROWS))
        claims.append((f"{growth} the peak memory", most.peak / fewest.peak, "at most", GROWS))
    holds = [value >= bound if least == "at least" else value <= bound for _, value, least, bound in claims]
    for well, (claim, value, least, bound) in zip(holds, claims, strict=True):
        print(f"{'met' if well else 'NOT MET'}: {claim} {value:.2f}, {least} {bound}")
    return all(holds)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--images", type=int, nargs="+", default=[1000, 10000])
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--megapixels", type=float, nargs=2, default=[1.0, 4.0])
    words.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="of the pictures; those there are not made again"
    )
    asked = words.parse_args()
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dataset-check-", dir=asked.keep) as folder:
        made = asked.keep / "made" if asked.keep else Path(folder) / "made"
        made.mkdir(exist_ok=True)
        # In a process of its own: this one's peak memory is where that of its children begins to be counted.
        maker = multiprocessing.get_context("spawn").Process(
            target=pictures, args=(made, max(asked.images), asked.megapixels)
        )
        maker.start()
        maker.join()
        if maker.exitcode:
            return 1
        return not met(
            [
                compared(linked(made, Path(folder) / str(count), count), count, asked.rounds)
                for count in asked.images
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
