"""A training on the screen: the guide's lines in a log, one bar in a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

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


def in_terminal(shell: Shell, *words: str | Path) -> tuple[int, str]:
    """What a terminal of 100 columns shows."""
    screen, behind = pty.openpty()
    env = {**os.environ, **shell.variables, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [*shell.program, *map(str, words)], cwd=shell.cwd, env=env, stdin=behind, stdout=behind, stderr=behind
    ) as child:
        os.close(behind)
        shown = b""
        try:
            while block := os.read(screen, 4096):
                shown += block
        except OSError:  # how a terminal ends on Linux
            pass
    os.close(screen)
    return child.returncode, shown.decode("utf-8")


def test_a_terminal_gets_one_bar_that_grows(shell: Shell, guide: Path) -> None:
    code, shown = in_terminal(shell, "run", guide, *REHEARSAL)
    assert code == 0
    assert "\x1b[" in shown  # the cursor goes back up
    assert re.search(r"epoch 10/10 +━+ +step 50/50, loss=", shown)
    assert not re.search(r"^" + LINE, shown, re.MULTILINE)
    assert "saved my_lora-000002.safetensors" in shown


def test_a_terminal_gets_set_up_with_a_tick_a_step(shell: Shell, photographs: Path) -> None:
    code, shown = in_terminal(shell, "init", "--images", photographs, *REHEARSAL)
    assert code == 0
    assert re.search(r"✓ dataset +10_concept, 8 images, 8 captions", shown)
    assert "Traceback" not in shown
