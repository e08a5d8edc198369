"""What `config check` does without, because it is slow to import."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import projects
from tests.fixtures.shell import Shell

SAYS = """
import sys
from kohya_wrap.cli import main
try:
    main()
finally:
    print("imported:", *sorted({"rich", "pynvml", "pydantic", "torch"} & sys.modules.keys()), file=sys.stderr)
"""


@pytest.fixture
def guide_alone(tmp_path: Path) -> Path:
    path = tmp_path / "training_config.toml"
    path.write_bytes(projects.GUIDE.read_bytes())
    return path


@pytest.fixture
def imported(shell: Shell) -> Shell:
    return Shell(shell.cwd, shell.variables, (sys.executable, "-c", SAYS))


@pytest.mark.parametrize("wrong", ["", "nonsense = 1\n"])
def test_neither_colours_nor_a_driver_are_loaded_for_a_named_card_and_a_pipe(
    imported: Shell, guide_alone: Path, wrong: str
) -> None:
    guide_alone.write_text(guide_alone.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    answer = imported("config", "check", guide_alone, "--gpu", "RTX 4090")
    assert answer.err.splitlines()[-1] == "imported:"


def test_what_is_asked_for_is_loaded(imported: Shell, guide_alone: Path) -> None:
    answer = imported("config", "check", guide_alone, FORCE_COLOR="1", TERM="xterm", NO_COLOR="")
    assert answer.err.splitlines()[-1] == "imported: pynvml rich"
    assert "\x1b[36mnote: " in answer.out


def test_a_terminal_has_colours(shell: Shell, guide_alone: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*shell.program, "config", "check", str(guide_alone), "--gpu", "RTX 4090"]
    variables = {name: text for name, text in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run(command, stdout=theirs, stderr=theirs, cwd=shell.cwd, env={**variables, **shell.variables})
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "\x1b[36mnote: " in shown and "no errors" in shown
