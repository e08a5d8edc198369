"""A run killed at random moments, any number of times, ends as one that was never killed.

KILLS=200 in the environment for more of them than the suite does.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors import safe_open

from kohya_wrap.domain.events import AttemptStarted, Event, Progress, RunEnded, TrainerEnded
from kohya_wrap.host import child
from kohya_wrap.training import journal
from tests.fixtures import projects
from tests.fixtures.shell import Shell

KILLS = int(os.environ.get("KILLS", "30"))
SEED = 20261129
STEPS, EPOCHS = 50, 10
# So slow that a kill meets it at work, half of the time while it writes a checkpoint or a state.
SLOW = {
    "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.01",
    "KOHYA_WRAP_REHEARSAL_SAVE_SECONDS": "0.02",
    "KOHYA_WRAP_RETRY_SECONDS": "0.01",
}
REHEARSED = ("--engine", "rehearsal")


def tensors(lora: Path) -> dict[str, np.ndarray]:
    with safe_open(lora, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def metadata(lora: Path) -> dict[str, str]:
    with safe_open(lora, framework="numpy") as file:
        read: dict[str, str] = file.metadata()
        return read


def at_work(project: Path) -> list[psutil.Process]:
    runs = (project / ".kohya-wrap" / "runs").resolve()
    return [process for log, process in child.living() if runs in log.parents]


def about(folder: Path) -> list[list[str]]:
    """Command lines of living processes that name the folder, stand in it or have a file in it open: asked of the system alone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            named = [*process.cmdline(), process.cwd(), *(file.path for file in process.open_files())]
            if process.status() != psutil.STATUS_ZOMBIE and any(f"{folder}/" in f"{name}/" for name in named):
                found.append(process.cmdline())
    return found


def events(project: Path) -> list[Event]:
    (run,) = (project / ".kohya-wrap" / "runs").glob("2*")
    path = run / "events.jsonl"
    return [event for _, event in journal.read(path)] if path.exists() else []


def is_done(project: Path) -> bool:
    told = events(project)
    return bool(told) and isinstance(told[-1], RunEnded)


def strike(whom: str, wrapper: subprocess.Popen[str], project: Path) -> None:
    """Kill the supervisor, the launcher, the trainer, or everything at once."""
    working = at_work(project)
    names = ("launch.py", "accelerate.commands.launch")
    launchers = [one for one in working if any(name in " ".join(_line(one)) for name in names)]
    trainers = [one for one in working if "train_network.py" in " ".join(_line(one)) and one not in launchers]
    struck = {"launcher": launchers, "trainer": trainers, "everything": working}.get(whom, [])
    if whom in ("supervisor", "everything"):
        wrapper.kill()
    for process in struck:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def straight(shell: Shell, tmp_path: Path, photographs: Path) -> Path:
    """The LoRA of a run that nobody kills."""
    config = projects.guide(tmp_path / "straight", photographs)
    assert shell("run", config, *REHEARSED).code == 0
    return config.parent / "output" / "my_lora.safetensors"


def test_killed_at_random_moments(shell: Shell, straight: Path, tmp_path: Path, photographs: Path) -> None:
    chance = random.Random(SEED)
    struck: Counter[str] = Counter()
    number, seen = 0, False
    while struck.total() < KILLS:
        number += 1
        config = projects.guide(tmp_path / f"killed-{number}", photographs)
        done = False
        while not done:
            wrapper = shell.start("run", config, *REHEARSED, **SLOW)
            with suppress(subprocess.TimeoutExpired):
                wrapper.wait(timeout=chance.uniform(0.2, 2.0))
            whom = chance.choice(("supervisor", "launcher", "trainer", "everything"))
            if struck.total() < KILLS and wrapper.poll() is None and at_work(config.parent):
                seen = seen or bool(about(config.parent))
                strike(whom, wrapper, config.parent)
                struck[whom] += 1
            out, err = wrapper.communicate(timeout=60)
            assert wrapper.returncode in (0, -signal.SIGKILL), out + err
            done = is_done(config.parent)  # it may have been struck between its end and its exit
        check(config.parent, straight)
    assert len(struck) == 4, struck
    assert seen, "of those at work none was found, so that none is found afterwards says nothing"


def check(project: Path, straight: Path) -> None:
    """Whole, exact, and nobody left."""
    assert at_work(project) == []
    assert about(project) == []
    lora = project / "output" / straight.name
    mine, theirs = tensors(lora), tensors(straight)
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
    assert (metadata(lora)["ss_steps"], metadata(lora)["ss_epoch"]) == (str(STEPS), str(EPOCHS))
    output, expected = ({path.name for path in one.parent.iterdir()} for one in (lora, straight))
    assert output == expected
    told = events(project)
    assert isinstance(told[-1], RunEnded) and told[-1].outcome == "done"
    assert max(event.step for event in told if isinstance(event, Progress)) == STEPS
    (run,) = (project / ".kohya-wrap" / "runs").glob("2*")
    assert not (run / "attempts").exists()
    assert sum(isinstance(event, TrainerEnded) for event in told) == sum(
        isinstance(event, AttemptStarted) for event in told
    )
