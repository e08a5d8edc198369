"""What `run` adds to bare `accelerate launch` with the very engine_config.toml it made: CPU time, memory, seconds.

    uv run --group dev python -m benchmarks.wrapper_overhead [--pairs 3] [--steps 40]

Needs the real engine: `kohya-wrap demo --engine real` first.
"""

from __future__ import annotations

import argparse
import json
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
    """Peak resident memory and CPU time of one process, its children left out."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak, self.cpu = 0, 0.0

    def run(self) -> None:
        try:
            while True:
                with self.process.oneshot():
                    self.peak = max(self.peak, self.process.memory_info().rss)
                    times = self.process.cpu_times()
                    self.cpu = times.user + times.system
                time.sleep(0.1)
        except psutil.NoSuchProcess:
            return


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


def inside(run: Path) -> float:
    """Seconds from the launcher's start to its end, by the run's own journal."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return float(next(event["seconds"] for event in events if event["event"] == "TrainerEnded"))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pairs", type=int, default=3)
    asked.add_argument("--steps", type=int, default=40)
    options = asked.parse_args()
    engine = bare_engine.installed()
    rows: list[tuple[float, float]] = []
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
            outside = wall - inside(run)
            rows.append((watch.cpu / wall, outside))
            print(
                f"run {wall:.1f} s ({outside:.2f} s of it before and after the engine), bare {bare.wall:.1f} s; the wrapper's own: "
                f"{watch.cpu:.2f} s of CPU = {100 * watch.cpu / wall:.2f} % of the wall time, {watch.peak / 1e6:.0f} MB at most",
                flush=True,
            )
    print(
        f"medians: {100 * statistics.median(r[0] for r in rows):.2f} % CPU, {statistics.median(r[1] for r in rows):.2f} s before and after"
    )


if __name__ == "__main__":
    main()
