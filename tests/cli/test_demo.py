"""`kohya-wrap demo`, as a newcomer sees it."""

from __future__ import annotations

import re
from pathlib import Path

from kohya_wrap.engine.install import COST
from kohya_wrap.places import Places
from tests.fixtures.shell import Shell


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


def test_the_real_one_says_what_it_takes_before_anything_is_fetched(small: Shell) -> None:
    answer = small("demo", "--engine", "real", PATH="")
    assert answer.code == 5
    assert answer.out.startswith(f"The real engine is not installed yet: {COST}")
    assert answer.three_lines[0] == "There is no git program on this machine."
