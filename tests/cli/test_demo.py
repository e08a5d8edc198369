"""`kohya-wrap demo`, as a newcomer sees it."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from kohya_wrap.engine.install import COST
from kohya_wrap.places import Places
from tests.fixtures.shell import Shell, until


def test_trains_says_that_it_rehearsed_and_what_the_real_one_takes(shell: Shell, places: Places) -> None:
    left = places.demo / "rehearsal" / "output" / "left.safetensors"  # by an earlier demo
    left.parent.mkdir(parents=True)
    left.touch()
    answer = shell("demo")
    assert not left.exists()
    assert (answer.code, answer.err) == (0, "")
    found = re.search(r"^  LoRA +(\S+\.safetensors) ", answer.out, re.MULTILINE)
    assert found
    assert Path(found[1]).is_file()
    assert Path(found[1]).is_relative_to(places.demo)
    assert "This is a rehearsal" in answer.out
    assert not re.search(r"\bTrained\b", answer.out)
    assert f"kohya-wrap demo --engine real     ({COST})" in answer.out
    assert answer.out.splitlines()[-1].strip().startswith("kohya-wrap init ")  # what to type next


def test_another_demo_leaves_the_first_one_alone(shell: Shell, places: Places) -> None:
    with shell.start("demo", KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first:
        until(first, "step 12/")
        second = shell("demo")
        first.terminate()
        assert first.wait(30) == 7
    assert second.code == 2
    assert second.three_lines[0] == f"Another demo is at work in {places.demo / 'rehearsal'}."
    assert (places.demo / "rehearsal" / ".kohya-wrap" / "runs").is_dir()
    assert shell("demo").code == 0


def test_a_trainer_left_by_a_killed_demo_keeps_its_project(shell: Shell, places: Places) -> None:
    with shell.start("demo", KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first:
        until(first, "step 12/")
        family = psutil.Process(first.pid).children(recursive=True)
        first.kill()
    (log,) = (places.demo / "rehearsal" / ".kohya-wrap" / "runs").glob("*/engine.log")
    try:
        second = shell("demo")
        assert second.code == 2
        assert f"(pid {family[0].pid}, {family[1].pid})" in second.three_lines[0]
        assert log.is_file()
    finally:
        for left in family:
            left.kill()


def test_the_real_one_says_what_it_takes_before_anything_is_fetched(small: Shell) -> None:
    answer = small("demo", "--engine", "real", PATH="")
    assert answer.code == 5
    assert answer.out.startswith(f"The real engine is not installed yet: {COST}")
    assert answer.three_lines[0] == "There is no git program on this machine."
