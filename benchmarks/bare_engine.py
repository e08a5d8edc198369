"""The guide's way, by hand: `accelerate launch` in the engine's own environment, timed from outside."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.engine import checkout, install, pin, tokenizers
from kohya_wrap.places import Places

BAR = re.compile(r"steps: .*?\| *(\d+)/(\d+) \[([\d:]+)<[^\]]*?avr_loss=([\d.naif]+)")


@dataclass(frozen=True)
class Installed:
    """What `kohya-wrap demo --engine real` leaves behind."""

    python: Path
    source: Path
    tokenizers: Path
    base: Path


@dataclass(frozen=True)
class Timed:
    """Attributes:
    wall: seconds of the whole process; per_step: seconds a step, from the engine's own bar; losses: its average
    loss after each step.
    """

    wall: float
    per_step: float
    losses: tuple[float, ...]


def installed() -> Installed:
    places = Places.from_environment(os.environ)
    the_pin = pin.load()
    source, environment, folder = (
        checkout.find(the_pin, places),
        install.find(the_pin, places),
        tokenizers.find(places),
    )
    base = places.demo / "random-sd15.safetensors"
    if source is None or environment is None or folder is None or not base.is_file():
        raise SystemExit("first: kohya-wrap demo --engine real")
    return Installed(environment.python, source.source, folder, base)


def train(engine: Installed, config: Path, logs: Path, log: Path) -> Timed:
    """The guide's command word for word, but for the threads: as many as there are cores, on both sides."""
    argv = [
        str(engine.python),
        "-m",
        "accelerate.commands.launch",
        f"--num_cpu_threads_per_process={os.cpu_count()}",
        "train_network.py",
        f"--config_file={config}",
        f"--logging_dir={logs}",
    ]
    began = time.monotonic()
    with log.open("wb") as out:
        # COLUMNS only so that its lines can be read; HF_HUB_OFFLINE since there is no network here.
        env = os.environ | {"COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
        subprocess.run(argv, cwd=engine.source, env=env, stdout=out, stderr=subprocess.STDOUT, check=True)
    return read(log, time.monotonic() - began)


def read(log: Path, wall: float) -> Timed:
    """Times and losses from an engine's log."""
    last: dict[int, float] = {}
    seconds = 0
    for bar in BAR.finditer(log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")):
        last[int(bar[1])] = float(bar[4])
        seconds = sum(int(part) * 60**power for power, part in enumerate(reversed(bar[3].split(":"))))
    steps = max(last)
    return Timed(wall, seconds / steps, tuple(last[step] for step in sorted(last) if step))
