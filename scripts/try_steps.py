"""The steps that `dataset check` and `plan` count against the total that the engine itself prints, on datasets drawn at random.

    uv run --group dev python -m scripts.try_steps [--datasets 20] [--first 0]

Needs the real engine: `kohya-wrap demo --engine real` first. Each dataset is started with `kohya-wrap run` on the base of
random weights and stopped once the total is printed: some 15 seconds each on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.domain.events import PlanSeen
from kohya_wrap.places import Places
from kohya_wrap.training import journal
from tests.fixtures import drawn_datasets

KOHYA_WRAP = (sys.executable, "-m", "kohya_wrap")
# Encoding pictures of two megapixels on a CPU takes minutes, and changes no count.
NOTHING_CACHED = {"cache_latents": False, "network_train_unet_only": True, "network_dim": 4}


def counted(config: Path) -> int | None:
    """None where the options drawn are refused, as `run` would refuse them."""
    checked = _said("dataset", "check", str(config), "--gpu", "cpu")
    if not checked["ok"]:
        return None
    (planned,) = _said("plan", str(config), "--gpu", "H200 SXM")["data"]["cards"]
    assert planned["steps"] == checked["data"]["steps"], config
    return int(planned["steps"])


def _said(*words: str) -> dict[str, Any]:
    asked = subprocess.run([*KOHYA_WRAP, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


def printed(config: Path) -> int:
    """What the engine announces before its first step."""
    log = config.parent / "said.txt"
    with log.open("w") as out:
        run = subprocess.Popen([*KOHYA_WRAP, "run", str(config), "--gpu", "cpu"], stdout=out, stderr=out)
    try:
        while run.poll() is None:
            for path in config.parent.glob(".kohya-wrap/runs/*/events.jsonl"):
                for _, event in journal.read(path):
                    if isinstance(event, PlanSeen) and event.label == "total_steps":
                        return event.value
            time.sleep(0.2)
    finally:
        run.send_signal(signal.SIGINT)
        run.wait()
    sys.exit(f"{config} ended before it announced its steps:\n{log.read_text()}")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--datasets", type=int, default=20)
    words.add_argument("--first", type=int, default=0)
    asked = words.parse_args()
    base = Places.from_environment(os.environ).demo / "random-sd15.safetensors"
    differ = 0
    with tempfile.TemporaryDirectory(prefix="try-steps-") as folder:
        pool = drawn_datasets.pool(Path(folder))
        tried, number = 0, asked.first - 1
        while tried < asked.datasets:
            number += 1
            drawn = drawn_datasets.draw(Path(folder), number, pool)
            options = {name: value for name, value in drawn.options.items() if value is not None}
            config = drawn.folder.parent / "training_config.toml"
            config.write_text(
                toml.dumps({**options, **NOTHING_CACHED, "pretrained_model_name_or_path": str(base)})
            )
            ours = counted(config)
            if ours is None:
                print(f"{number}: refused, as `run` would refuse it", flush=True)
                continue
            theirs = printed(config)
            tried += 1
            differ += ours != theirs
            images = len(list(drawn.folder.glob("*/*")))
            regular = ", regularised" if drawn.regular else ""
            print(
                f"{number}: {images} images{regular}, batch {options['train_batch_size']} x "
                f"{options['gradient_accumulation_steps']}, {options['max_train_epochs']} epochs: "
                f"{ours} counted, {theirs} printed{'' if ours == theirs else '   DIFFERENT'}",
                flush=True,
            )
    print(f"{differ} of {asked.datasets} differ")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
