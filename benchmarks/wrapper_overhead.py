"""What `run` adds to bare `accelerate launch` with the very engine_config.toml it made: CPU time, memory, seconds.

    uv run --group dev python -m benchmarks.wrapper_overhead [--pairs 3] [--steps 40]

Of the CPU time, what is spent before the engine's start and after its end is told apart from what watching it costs: the first
is the same for a training of any length. Needs the real engine: `kohya-wrap demo --engine real` first.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import toml

from benchmarks import bare_engine
from benchmarks.same_work_for_less import by_hand
from tests.fixtures import photographs


class Watch(threading.Thread):
    """Peak resident memory of one process, its children left out, and its CPU seconds by when they had been spent."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak, self.spent = 0, [(0.0, 0.0)]

    def run(self) -> None:
        try:
            while True:
                with self.process.oneshot():
                    self.peak = max(self.peak, self.process.memory_info().rss)
                    times = self.process.cpu_times()
                    self.spent.append((time.time(), times.user + times.system))
                time.sleep(0.1)
        except psutil.NoSuchProcess:
            return

    def cpu(self, until: float = math.inf) -> float:
        """Seconds of CPU until then, in seconds since the epoch."""
        return max(cpu for when, cpu in self.spent if when <= until)


def wrapped(config: Path) -> tuple[float, Watch, Path]:
    began = time.monotonic()
    argv = [sys.executable, "-m", "kohya_wrap", "run", str(config), "--gpu", "cpu", "--json"]
    # Compiled modules are kept, as they are where people run it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as running:
        watch = Watch(running.pid)
        watch.start()
        said = running.communicate()[0]
    wall = time.monotonic() - began
    return wall, watch, Path(json.loads(said)["data"]["run"])


def engines(run: Path) -> tuple[float, float]:
    """When the launcher was started and when its end was seen, by the run's own journal."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    times = {event["event"]: float(event["time"]) for event in events}
    return times["TrainerStarted"], times["TrainerEnded"]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pairs", type=int, default=3)
    asked.add_argument("--steps", type=int, default=40)
    options = asked.parse_args()
    engine = bare_engine.installed()
    rows: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs.write(folder / "training_data" / "1_concept")
        config = folder / "training_config.toml"
        config.write_text(by_hand(engine, folder, 256, options.steps, 1), encoding="utf-8")
        for _ in range(options.pairs):
            wall, watch, run = wrapped(config)
            given = toml.load(run / "engine_config.toml")
            # The run's view is gone with it, and its attempts; nothing else differs.
            given |= {"train_data_dir": str(folder / "training_data"), "output_dir": str(folder / "bare")}
            (folder / "bare.toml").write_text(toml.dumps(given), encoding="utf-8")
            bare = bare_engine.train(engine, folder / "bare.toml", folder / "logs", folder / "bare.log")
            start, end = engines(run)
            outside, watching = wall - (end - start), watch.cpu(end) - watch.cpu(start)
            rows.append((watch.cpu() / wall, watching / (end - start), outside))
            print(
                f"run {wall:.1f} s ({outside:.2f} s of it before and after the engine), bare {bare.wall:.1f} s; the wrapper's own: "
                f"{watch.cpu():.2f} s of CPU = {100 * rows[-1][0]:.2f} % of the wall time, {watching:.2f} of them while the engine ran "
                f"= {100 * rows[-1][1]:.2f} % of that; {watch.peak / 1e6:.0f} MB at most",
                flush=True,
            )
    cpu, watching, outside = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"medians: {100 * cpu:.2f} % CPU, {100 * watching:.2f} % while the engine ran, {outside:.2f} s before and after"
    )


if __name__ == "__main__":
    main()
