"""A training on the real engine, killed at random until it has been struck ten times, beside one that nobody kills.

    uv run --group dev python -m scripts.try_kills [--kills 10] [--keep FOLDER]

Needs the real engine: `kohya-wrap demo --engine real` first. Eight photographs at 128 px on the base of random weights, on the
CPU: some twenty minutes on two cores. Supervisor, launcher, trainer or all of them are struck; the same command is given
again until the LoRA is there. Its steps and its place on the learning-rate curve must be exact, nobody may be left at work, and
its weights may differ by less than twice what the run that nobody killed has moved them since its first checkpoint: the
first batch of a resumed epoch holds other images (docs/recovery.md).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from benchmarks import bare_engine
from kohya_wrap.domain.events import AttemptStarted, Progress
from kohya_wrap.places import Places
from tests.fixtures import photographs
from tests.integration.test_killed_run import at_work, events, is_done, metadata, strike, tensors

WHOM = ("supervisor", "launcher", "trainer", "everything")
EPOCHS, STEPS = 15, 60
CONFIG = f"""
pretrained_model_name_or_path = "{{base}}"
resolution = "128,128"
min_bucket_reso = 64
train_batch_size = 2
max_train_epochs = {EPOCHS}
save_every_n_epochs = 2
network_dim = 4
network_alpha = 4.0
network_train_unet_only = true
learning_rate = 1e-3
lr_scheduler = "cosine"
optimizer_type = "AdamW"
seed = 7
output_name = "lo"
save_state = true
"""


def project(folder: Path) -> Path:
    photographs.write(folder / "training_data" / "1_photos", 8)
    base = Places.from_environment(os.environ).demo / "random-sd15.safetensors"
    (folder / "training_config.toml").write_text(CONFIG.format(base=base), encoding="utf-8")
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    log = (folder / "said.txt").open("ab")
    words = [sys.executable, "-m", "kohya_wrap", "run", "training_config.toml", "--gpu", "cpu"]
    env = os.environ | {"KOHYA_WRAP_RETRY_SECONDS": "0"}
    return subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env=env, start_new_session=True)


def trains(process: psutil.Process) -> bool:
    try:
        return process.cpu_times().user > 8  # behind its imports
    except psutil.Error:
        return False


def killed(folder: Path, struck: Counter[str], kills: int, chance: random.Random) -> None:
    """To its end, struck on the way until there are `kills` in all."""
    while not any(folder.glob(".kohya-wrap/runs/2*")) or not is_done(folder):
        run = start(folder)
        if struck.total() < kills:
            while run.poll() is None and not any(map(trains, at_work(folder))):
                time.sleep(0.2)
            time.sleep(chance.uniform(0, 25))
            if run.poll() is None and at_work(folder):
                whom = WHOM[struck.total() % len(WHOM)]
                strike(whom, run, folder)
                struck[whom] += 1
                print(f"{time.strftime('%X')} struck: {whom}", flush=True)
        if run.wait() not in (0, -9):
            sys.exit(f"exit code {run.returncode}:\n{(folder / 'said.txt').read_text()[-2000:]}")


def untrained(folder: Path, made: Path) -> Path:
    """A copy of a project with what it has encoded: to encode takes from a run's random numbers."""
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns("output", "runs", "said.txt"))
    return made


def furthest(one: Path, other: Path) -> float:
    first, second = tensors(one), tensors(other)
    return max(float(np.abs(first[name].astype("f4") - second[name].astype("f4")).max()) for name in first)


def curve(state: Path) -> str:
    """Where the learning rate's schedule stands, and the rates."""
    code = f"import torch; s = torch.load({str(state / 'scheduler.bin')!r}, weights_only=False); print(s['last_epoch'], s['_last_lr'])"
    return subprocess.check_output([bare_engine.installed().python, "-I", "-c", code], text=True).strip()


def is_exact(folder: Path, straight: Path) -> bool:
    made, theirs = folder / "output", straight / "output"
    apart = furthest(theirs / "lo.safetensors", made / "lo.safetensors")
    moved = furthest(theirs / "lo.safetensors", theirs / "lo-000002.safetensors")
    ends, its_ends = curve(theirs / "lo-state"), curve(made / "lo-state")
    told, said = events(folder), metadata(made / "lo.safetensors")
    begun = [event.epochs_done for event in told if isinstance(event, AttemptStarted)]
    last = max(event.step for event in told if isinstance(event, Progress))
    left = at_work(folder)
    print(
        f"attempts after epochs {begun}; steps {last} of {STEPS}; ss_steps {said['ss_steps']}, ss_epoch {said['ss_epoch']}; "
        f"left at work: {len(left)}; the curve ends at {its_ends}, that of the run that nobody killed at {ends}; weights at most "
        f"{apart:.1e} from its own, which moved by {moved:.1e} since its first checkpoint",
        flush=True,
    )
    exact = (last, said["ss_steps"], said["ss_epoch"], left) == (STEPS, f"{STEPS}", f"{EPOCHS}", [])
    return exact and its_ends == ends and apart < 2 * moved


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--kills", type=int, default=10)
    words.add_argument("--keep", type=Path, help="An empty folder that is left to be looked at.")
    asked = words.parse_args()
    chance, struck, exact = random.Random(20261129), Counter[str](), []
    with tempfile.TemporaryDirectory(prefix="try-kills-") as scratch:
        root = asked.keep or Path(scratch)
        straight = project(root / "straight")
        for _ in range(2):  # the first one encodes
            start(straight).wait()
        while struck.total() < asked.kills:
            folder = untrained(straight, root / f"killed-{len(exact)}")
            killed(folder, struck, asked.kills, chance)
            exact.append(is_exact(folder, straight))
    print(f"struck {dict(struck)}; {sum(exact)} of {len(exact)} trainings exact")
    sys.exit(0 if all(exact) else 1)


if __name__ == "__main__":
    main()
