"""Nobody reads what is said: the work goes on, and the exit code is that of the work."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.shell import Shell, until

REHEARSAL = ("--engine", "rehearsal")


def redirected(shell: Shell, words: tuple[str, ...], streams: str, **variables: str) -> tuple[int, str]:
    """Exit code and stderr of the command with these redirections of a shell."""
    line = f"exec {shlex.join([*shell.program, *words])} {streams}"
    env = {**os.environ, **shell.variables, **variables}
    done = subprocess.run(
        ["sh", "-c", line], cwd=shell.cwd, env=env, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("streams", [">&-", ">/dev/full", ">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_a_training_that_nobody_can_read(shell: Shell, guide: Path, streams: str, unbuffered: str) -> None:
    words = ("run", str(guide), *REHEARSAL)
    assert redirected(shell, words, streams, PYTHONUNBUFFERED=unbuffered) == (0, "")
    assert (guide.parent / "output" / "my_lora.safetensors").is_file()


@pytest.mark.parametrize("streams", [">&-", ">/dev/full"])
def test_an_envelope_that_nobody_can_read(shell: Shell, guide: Path, streams: str) -> None:
    code, said = redirected(shell, ("run", str(guide), *REHEARSAL, "--json"), streams)
    assert code == 0
    assert "Rehearsed 50 steps" in said
    assert "Traceback" not in said
    code, said = redirected(shell, ("run", "nowhere.toml", "--json"), streams)
    assert (code, len(said.splitlines())) == (3, 3)


@pytest.mark.parametrize("streams", [">&-", ">/dev/full"])
def test_a_help_that_nobody_can_read(shell: Shell, streams: str) -> None:
    assert redirected(shell, ("--help",), streams) == (0, "")


def test_a_reader_that_leaves_ends_nothing(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert (child.wait(60), child.stderr.read()) == (0, "")
    assert (guide.parent / "output" / "my_lora.safetensors").is_file()


def test_what_is_said_into_a_pipe_is_there_at_once(shell: Shell, guide: Path) -> None:
    """As in `kohya-wrap run | tee log`: the rest of a run that is killed must not be held back."""
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@3") as running:
        until(running, "engine started")
        running.terminate()
        running.communicate()
