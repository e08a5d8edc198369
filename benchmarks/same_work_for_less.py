"""The guide's config by hand against the same file given to `run`: seconds a step, and the loss curves.

    uv run --group dev python -m benchmarks.same_work_for_less [--size 256] [--pairs 5] [--steps 12] [--alone]

In pairs, alternating which goes first; each pair has a seed of its own, the same on both sides, so that the spread of
the guide's own losses over seeds is measured along. `--alone` runs, once each, the guide's file with one option
added, to name what makes the difference. Needs the real engine: `kohya-wrap demo --engine real` first.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import bare_engine
from tests.fixtures import photographs

GUIDE = Path(__file__).parents[1] / "tests" / "fixtures" / "guide_training_config.toml"


def by_hand(
    engine: bare_engine.Installed, folder: Path, size: int, steps: int, seed: int, extra: str = ""
) -> str:
    """The guide's file with the fewest changes that make it run as meant: each replaced or added line, and no other."""
    text = GUIDE.read_text(encoding="utf-8")
    changes = {
        r"pretrained_model_name_or_path = .*": f'pretrained_model_name_or_path = "{engine.base}"',
        r"train_data_dir = .*": f'train_data_dir = "{folder / "training_data"}"',
        r"resolution = 512": f'resolution = "{size},{size}"',
        r"batch_size = 2": 'train_batch_size = 2\ncaption_extension = ".txt"',
        r"output_dir = .*": f'output_dir = "{folder / "output"}"',
        r"max_train_epochs = 10": f"max_train_steps = {steps}",
        r"lr_warmup_steps = 100": "lr_warmup_steps = 2",  # of so few steps
        r"network_dim = 32": 'network_dim = 32\nnetwork_module = "networks.lora"',
        r'mixed_precision = "fp16"': f"seed = {seed}\n"  # and no fp16: this is a CPU
        f'tokenizer_cache_dir = "{engine.tokenizers}"\n{extra}',  # there is no network here
    }
    for pattern, line in changes.items():
        text, found = re.subn(rf"^{pattern}$", line.replace("\\", r"\\"), text, flags=re.M)
        assert found == 1, pattern
    return text


def bare(engine: bare_engine.Installed, text: str, folder: Path) -> bare_engine.Timed:
    config = folder / "by_hand.toml"
    config.write_text(text, encoding="utf-8")
    return bare_engine.train(engine, config, folder / "logs", folder / "bare.log")


def wrapped(text: str, folder: Path) -> bare_engine.Timed:
    config = folder / "training_config.toml"
    config.write_text(text, encoding="utf-8")
    argv = [sys.executable, "-m", "kohya_wrap", "run", str(config), "--gpu", "cpu", "--json"]
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, env=os.environ, check=False)
    wall = time.monotonic() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    run = Path(json.loads(done.stdout)["data"]["run"])
    return bare_engine.read(run / "engine.log", wall)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--size", type=int, default=256)
    asked.add_argument("--pairs", type=int, default=5)
    asked.add_argument("--steps", type=int, default=12)
    asked.add_argument("--alone", action="store_true")
    options = asked.parse_args()
    engine = bare_engine.installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs.write(folder / "training_data" / "1_concept")
        if options.alone:
            alone(engine, folder, options)
        else:
            pairs(engine, folder, options)


def alone(engine: bare_engine.Installed, folder: Path, options: argparse.Namespace) -> None:
    for extra in (
        "",
        "cache_latents = true",
        "sdpa = true",
        'mixed_precision = "bf16"',
        "max_data_loader_n_workers = 0",
    ):
        timed = bare(engine, by_hand(engine, folder, options.size, options.steps, 1, extra), folder)
        print(
            f"{extra or 'the guide alone':32} {timed.per_step:6.2f} s/step  {timed.wall:6.1f} s in all",
            flush=True,
        )


def pairs(engine: bare_engine.Installed, folder: Path, options: argparse.Namespace) -> None:
    guide: list[bare_engine.Timed] = []
    ours: list[bare_engine.Timed] = []
    for seed in range(1, options.pairs + 1):
        text = by_hand(engine, folder, options.size, options.steps, seed)
        turns = [(guide, lambda t=text: bare(engine, t, folder)), (ours, lambda t=text: wrapped(t, folder))]
        for results, turn in turns if seed % 2 else reversed(turns):
            results.append(turn())
        a, b = guide[-1], ours[-1]
        assert len(a.losses) == len(b.losses) == options.steps, "the two did not do the same steps"
        print(
            f"seed {seed}: guide {a.per_step:.2f} s/step, {a.wall:.0f} s, loss {a.losses[-1]:.3f}"
            f" | run {b.per_step:.2f} s/step, {b.wall:.0f} s, loss {b.losses[-1]:.3f}"
            f" | {b.per_step / a.per_step:.2f} a step, {b.wall / a.wall:.2f} in all",
            flush=True,
        )
    report(guide, ours)


def report(guide: list[bare_engine.Timed], ours: list[bare_engine.Timed]) -> None:
    ratio = statistics.median(b.per_step / a.per_step for a, b in zip(guide, ours, strict=True))
    whole = statistics.median(b.wall / a.wall for a, b in zip(guide, ours, strict=True))
    print(f"median ratio: {ratio:.2f} of the guide's seconds a step, {whole:.2f} of the whole process")
    curves = list(zip(*(timed.losses for timed in guide), strict=True))  # a step: the loss of every seed
    spread = max(max(step) - min(step) for step in curves)
    apart = max(
        abs(x - y) for a, b in zip(guide, ours, strict=True) for x, y in zip(a.losses, b.losses, strict=True)
    )
    verdict = "agree" if apart <= spread else "do NOT agree"
    print(
        f"average loss, over the whole curves: the guide's own seeds differ by up to {spread:.3f}, "
        f"the pairs by up to {apart:.3f}: they {verdict} within the guide's own noise"
    )


if __name__ == "__main__":
    main()
