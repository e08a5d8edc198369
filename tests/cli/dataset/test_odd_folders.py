"""What lies in a dataset's folder and is no picture, or may not be looked at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.fixtures.shell import Shell


@pytest.mark.parametrize(
    "command", [["check"], ["preview"], ["caption", "--with", "none", "--prefix", "sks"]]
)
def test_a_pipe_is_not_waited_for(
    shell: Shell, tmp_path: Path, photographs: Path, command: list[str]
) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    os.mkfifo(tmp_path / "photos" / "p.jpg")
    name, *words = command
    answer = shell("dataset", name, "photos", *words)
    assert "p.jpg" in answer.out + answer.err or "1 error" in answer.out
    assert "Traceback" not in answer.err


def test_a_folder_named_as_a_picture(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    (tmp_path / "photos" / "folder.jpg").mkdir()
    answer = shell("dataset", "check", "photos")
    assert answer.code == 4
    assert "it is a folder" in answer.out
    assert "mv " in answer.out and "rm " not in answer.out
