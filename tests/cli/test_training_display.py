"""A training on the screen: the guide's lines in a log, one live panel in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures import projects
from tests.fixtures.shell import Answer, Shell

REHEARSAL = ("--engine", "rehearsal")
LINE = r"epoch (\d+)/10, step (\d+)/50, loss=\d+(\.\d+)?(e-\d+)?, [\d.]+ s/step, ETA \d+:\d\d"


def test_plain_lines_as_in_the_guide(guide_run: tuple[Path, Answer]) -> None:
    _, answer = guide_run
    lines = [line for line in answer.out.splitlines() if line.startswith("epoch ")]
    found = [re.fullmatch(LINE, line) for line in lines]
    assert all(found), lines
    assert 3 <= len(lines) <= 25
    assert [found[-1][1], found[-1][2]] == ["10", "50"]  # type: ignore[index]
    assert "\x1b" not in answer.out


def test_a_known_price_is_shown_in_dollars(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    priced = "\n[kohya_wrap]\nprice_per_hour = 3600\n"  # a dollar a second
    config = projects.guide(tmp_path / "priced", photographs, more=priced)
    answer = shell("run", config, *REHEARSAL)
    (line,) = [line for line in answer.out.splitlines() if line.startswith("epoch 10/10, step 50/50")]
    dollars = re.fullmatch(LINE + r", \$(\d+\.\d\d)", line)
    assert dollars
    assert 0 < float(dollars[5]) < 60


def in_terminal(shell: Shell, *words: str | Path, columns: int = 100, leaves: str = "") -> tuple[int, str]:
    """What a terminal of so many columns is given; with `leaves` the terminal is gone once that was shown."""
    screen, behind = pty.openpty()
    fcntl.ioctl(behind, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", **shell.variables}
    env.pop("COLUMNS", None)  # what pytest-xdist sets would count for more than the terminal
    with subprocess.Popen(
        [*shell.program, *map(str, words)], cwd=shell.cwd, env=env, stdin=behind, stdout=behind, stderr=behind
    ) as child:
        os.close(behind)
        shown = b""
        with suppress(OSError):  # how a terminal ends on Linux
            while block := os.read(screen, 4096):
                shown += block
                if leaves and leaves.encode() in shown:
                    break
        os.close(screen)
    return child.returncode, shown.decode("utf-8", errors="replace")


def last_frame(shown: str) -> list[str]:
    """The panel as it stands at the end, line by line."""
    begin = shown.rindex("epoch ")
    frame = shown[shown.rindex("my_lora", 0, begin) : shown.index("Rehearsed")]
    return [line.strip(" │") for line in re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", frame).splitlines()]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_gets_one_panel(shell: Shell, guide: Path, columns: int) -> None:
    code, shown = in_terminal(shell, "run", guide, *REHEARSAL, "--price", "3600", columns=columns)
    assert code == 0
    assert "\x1b[1A" in shown  # the cursor goes back up
    assert "loss=" not in shown  # the lines are a log's
    assert "saved my_lora-000002.safetensors" in shown  # above the panel, to stay
    lines = last_frame(shown)
    assert lines[0].startswith("my_lora  rehearsal: no training")
    text = " ".join(lines)
    assert re.search(r"epoch 10/10, step 50/50 +[\d.]+ (it/s|s/step), ETA 0:00", text)
    assert re.search(r"loss +[\d.]+ +[▁▂▃▄▅▆▇█]{10}", text)
    assert "a rehearsal's loss has a scale of its own" in re.sub(r"\s+", " ", text)
    dollars = re.search(r"so far +0:\d\d, \$(\d+\.\d\d) of about \$(\d+\.\d\d)", text)
    assert dollars and 0 < float(dollars[1]) == float(dollars[2])
    assert re.search(r"saved +my_lora\.safetensors", text)
    widest = max(
        len(re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", line)) for line in shown.splitlines() if "━" in line
    )
    assert widest <= columns


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(shell: Shell, guide: Path) -> None:
    dumb = Shell(shell.cwd, {**shell.variables, "TERM": "dumb"})
    code, shown = in_terminal(dumb, "run", guide, *REHEARSAL)
    assert code == 0 and "\x1b" not in shown
    assert re.search(r"^" + LINE, shown, re.MULTILINE)


def test_a_terminal_that_is_lost_ends_no_training(shell: Shell, guide: Path) -> None:
    slow = Shell(shell.cwd, {**shell.variables, "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.05"})
    code, _ = in_terminal(slow, "run", guide, *REHEARSAL, leaves="saved my_lora-000002")
    assert code == 0
    assert (guide.parent / "output" / "my_lora.safetensors").is_file()


def test_a_terminal_gets_set_up_with_a_tick_a_step(shell: Shell, photographs: Path) -> None:
    code, shown = in_terminal(shell, "init", "--images", photographs, *REHEARSAL)
    assert code == 0
    assert re.search(r"✓ dataset +10_concept, 8 images, 8 captions", shown)
    assert "Traceback" not in shown
