"""A run that goes on without the shell it was started from."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from kohya_wrap.domain.events import Progress, Supervised, TrainerFound
from kohya_wrap.host import child, toml_file
from kohya_wrap.places import Project
from kohya_wrap.training import journal

LOG = "KOHYA_WRAP_DETACHED_LOG"  # tells the process that goes on where its words go to


def start(
    words: Sequence[str], configs: Sequence[Path], env: Mapping[str, str], say: Callable[[str], None]
) -> tuple[int, Path | None]:
    """Start `kohya-wrap` with these words, pass on what it says until its trainer has done a step.

    Args:
        configs: that it trains, one after the other.

    Raises:
        ConfigError: none of them can be read.

    Returns:
        (0, the run's folder) where it goes on, or (its exit code, None) where it has ended.
    """
    there = [config for config in configs if config.is_file()]
    if not there:
        toml_file.read(configs[0])  # which says why
    every = [Project(config.parent.absolute()).runs for config in there]
    every[0].mkdir(parents=True, exist_ok=True)
    log = every[0] / f"detached-{datetime.now():%Y%m%d-%H%M%S}.log"
    env = {**env, LOG: str(log)}
    process = child.detached([sys.executable, "-m", "kohya_wrap", *words], env, log)
    said = child.LineReader(log)
    try:
        while True:
            run, code = _begun(every, process.pid), process.poll()
            for line in said.new(last=code is not None):
                say(line)
            if run is not None or code is not None:
                return (0, run) if code is None else (code, None)
            time.sleep(0.2)
    finally:
        said.close()


def _begun(every: Sequence[Path], pid: int) -> Path | None:
    """The run that this process watches, once a step is done: what fails before that fails for good, mostly."""
    for path in sorted((path for runs in every for path in runs.glob("*/events.jsonl")), reverse=True):
        events = [event for _, event in journal.read(path)]
        mine = [
            place for place, event in enumerate(events) if isinstance(event, Supervised) and event.pid == pid
        ]
        if mine and any(isinstance(event, Progress | TrainerFound) for event in events[mine[-1] :]):
            return path.parent
    return None
