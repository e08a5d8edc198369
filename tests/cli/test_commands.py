"""`kohya-wrap` itself: what it lists, and how fast."""

from __future__ import annotations

import re
import resource
import subprocess
import sys

import pytest

from kohya_wrap import __version__
from tests.fixtures.shell import Shell

HEAVY = {"torch", "huggingface_hub", "PIL", "git", "rich", "pydantic", "numpy"}


def test_help_lists_the_commands_in_the_guides_order(shell: Shell) -> None:
    answer = shell("--help")
    assert answer.code == 0
    listed = re.findall(r"^  (\w+)  (.+)$", answer.out.partition("Commands:")[2], re.MULTILINE)
    assert [name for name, _ in listed] == [
        "plan",
        "init",
        "dataset",
        "config",
        "run",
        "status",
        "stop",
        "logs",
        "demo",
    ]
    assert not any(text.endswith("...") for _, text in listed)  # cut off by the width


@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "plan calibrate",
        "init",
        "dataset",
        "dataset build",
        "dataset check",
        "dataset caption",
        "dataset view",
        "config",
        "config show",
        "config check",
        "config set",
        "config import",
        "run",
        "demo",
    ],
)
def test_each_command_says_what_it_does_with_an_example(shell: Shell, command: str) -> None:
    answer = shell(*command.split(), "--help")
    assert answer.code == 0
    assert re.search(rf"^  kohya-wrap {command}\b", answer.out, re.MULTILINE)


def test_version(shell: Shell) -> None:
    assert shell("--version").out == f"kohya-wrap, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [(["trian"], "'trian'"), (["run", "--steps", "3"], "--steps"), (["init", "--steps", "many"], "'many'")],
)
def test_what_the_command_line_does_not_know_is_2(shell: Shell, words: list[str], named: str) -> None:
    answer = shell(*words)
    assert answer.code == 2
    assert named in answer.three_lines[0]
    assert "--help" in answer.err


def test_help_imports_nothing_heavy(shell: Shell) -> None:
    program = [sys.executable, "-X", "importtime", "-m", "kohya_wrap", "--help"]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.splitlines()}
    assert "click" in imported
    assert not imported & HEAVY


def test_help_is_quick(shell: Shell) -> None:
    """In time of the processor, beside that of importing click alone: no slow or busy machine lengthens that ratio."""
    click = Shell(shell.cwd, shell.variables, (sys.executable, "-c", "import click"))

    def seconds(program: Shell) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        program("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    took = [(seconds(shell), seconds(click)) for _ in range(6)]
    assert min(ours for ours, _ in took) < 1.8 * min(alone for _, alone in took)
