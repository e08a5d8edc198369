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


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything")
@pytest.mark.parametrize("below", ["photos", "photos/1_a"])
def test_a_folder_that_is_closed_is_no_empty_one(
    shell: Shell, tmp_path: Path, photographs: Path, below: str
) -> None:
    """As a user who is not root, whom nothing is closed to."""
    shutil.copytree(photographs, tmp_path / below)
    closed = tmp_path / below / "closed"
    closed.mkdir()
    shutil.copy(next(photographs.glob("*.png")), closed)
    rights = "-dac_override,-dac_read_search"
    as_user = ("setpriv", "--bounding-set", rights, "--inh-caps", rights) if os.geteuid() == 0 else ()
    closed.chmod(0)
    try:
        answer = Shell(shell.cwd, shell.variables, (*as_user, *shell.program))("dataset", "check", "photos")
    finally:
        closed.chmod(0o755)
    assert answer.code == 4
    what, _, hint = answer.three_lines
    assert "closed cannot be looked into: Permission denied" in what
    assert hint.startswith("chmod -R u+rX ")


def test_a_file_where_a_folder_must_be(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    (tmp_path / "my-lora").mkdir()
    (tmp_path / "my-lora" / "training_data").write_text("x")
    answer = shell("dataset", "build", photographs, "--concept", "a", "--project", "my-lora")
    assert answer.code == 4
    assert "training_data is a file, where a folder must be." in answer.three_lines[0]
    assert answer.three_lines[2].startswith("mv ")
