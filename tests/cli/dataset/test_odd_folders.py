"""What lies in a dataset's folder and is no picture, or may not be looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.shell import Answer, Shell

CONFIG = '[dataset]\nresolution = "512,512"\n[kohya_wrap]\nbase = "sd15"\n'


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


no_rights = pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything"
)


def without_rights(shell: Shell, closed: Path, *words: str) -> Answer:
    """What is said while that is closed: as to a user who is not root, whom nothing is closed to."""
    rights = "-dac_override,-dac_read_search"
    as_user = ("setpriv", "--bounding-set", rights, "--inh-caps", "-all") if os.geteuid() == 0 else ()
    mode = closed.stat().st_mode
    closed.chmod(0)
    try:
        return Shell(shell.cwd, shell.variables, (*as_user, *shell.program))(*words)
    finally:
        closed.chmod(mode)


@no_rights
@pytest.mark.parametrize("below", ["photos", "photos/1_a"])
def test_a_folder_that_is_closed_is_no_empty_one(
    shell: Shell, tmp_path: Path, photographs: Path, below: str
) -> None:
    shutil.copytree(photographs, tmp_path / below)
    closed = tmp_path / below / "closed"
    closed.mkdir()
    shutil.copy(next(photographs.glob("*.png")), closed)
    answer = without_rights(shell, closed, "dataset", "check", "photos")
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


@no_rights
@pytest.mark.parametrize(
    ("closed", "words"),
    [
        ("photos/camera.txt", ("build", "photos", "--concept", "b")),
        ("photos/camera.jpg", ("build", "photos", "--concept", "b")),
        ("training_data/1_a/camera.txt", ("check",)),
        ("training_data/1_a", ("check",)),
        ("training_data/1_a", ("view",)),
        ("training_data", ("view",)),
        ("training_data/1_a", ("preview",)),
        ("training_data/1_a", ("caption", "--prefix", "sks")),
        ("training_data/1_a/camera.txt", ("caption", "--prefix", "sks")),
        ("training_data/1_a/camera.jpg", ("caption", "--prefix", "sks")),
    ],
)
def test_what_may_not_be_read_is_no_full_disk(
    shell: Shell, tmp_path: Path, photographs: Path, closed: str, words: tuple[str, ...]
) -> None:
    for folder in ("photos", "training_data/1_a"):
        shutil.copytree(photographs, tmp_path / folder)
    (tmp_path / "training_config.toml").write_text(CONFIG)
    answer = without_rights(shell, tmp_path / closed, "dataset", *words)
    assert (answer.code, "Traceback" in answer.err) == (4, False), answer.err
    hints = [line for line in (answer.out + answer.err).splitlines() if "chmod " in line or "ls -ld " in line]
    assert hints and closed in hints[-1]
    assert "df -h" not in answer.err
    if closed.endswith(".txt"):
        assert "camera.txt may not be read: Permission denied" in answer.out + answer.err
    if words[0] == "caption" and not closed.endswith("1_a"):
        assert "7 captions edited" in answer.out


@no_rights
def test_the_wrappers_own_folder_is_no_dataset(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    (tmp_path / "closed").mkdir()
    own = Shell(tmp_path, {**shell.variables, "KOHYA_WRAP_HOME": str(tmp_path / "closed")})
    answer = without_rights(own, tmp_path / "closed", "dataset", "check", str(photographs))
    assert answer.code == 8
    assert "set KOHYA_WRAP_HOME" in answer.three_lines[2]


@no_rights
def test_a_closed_folder_of_a_dataset_config(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    (tmp_path / "ds.toml").write_text('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "photos"\n')
    (tmp_path / "training_config.toml").write_text(
        'dataset_config = "ds.toml"\n[kohya_wrap]\nbase = "sd15"\n'
    )
    answer = without_rights(shell, tmp_path / "photos", "config", "check")
    assert answer.code == 4
    what, _, hint = answer.three_lines
    assert "photos cannot be looked into: Permission denied" in what
    assert hint.startswith(f"chmod -R u+rX {tmp_path / 'photos'}")


@no_rights
def test_a_folder_that_may_not_be_written_is_the_disks(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    (tmp_path / "project").mkdir(0o555)
    words = ("dataset", "build", str(photographs), "--concept", "b", "--project", "project/new")
    rights = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-all") if os.geteuid() == 0 else ()
    answer = Shell(tmp_path, shell.variables, (*rights, *shell.program))(*words)
    assert answer.code == 8
    assert answer.three_lines[2].startswith("df -h")


@pytest.mark.parametrize("to", ["nothing", "loop.png"])
def test_a_link_that_leads_nowhere(shell: Shell, tmp_path: Path, photographs: Path, to: str) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    (tmp_path / "photos" / "loop.png").symlink_to(to)
    envelope = shell("dataset", "check", "photos", "--json").envelope
    (found,) = [finding for finding in envelope["findings"] if finding["code"] == "unreadable"]
    assert "loop.png cannot be read (it is a link that leads nowhere); the engine" in found["message"]
    assert found["hint"] == f"Mend the link, or: rm {tmp_path / 'photos' / 'loop.png'}"


def test_a_file_as_train_data_dir(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "training_config.toml").write_text(CONFIG)
    answer = shell("dataset", "check", "--set", "train_data_dir=training_config.toml")
    assert answer.code == 4
    assert answer.three_lines[0].endswith("training_config.toml is a file, where a folder must be.")


@pytest.mark.parametrize("words", [("check", "x" * 300), ("build", "x" * 300, "--concept", "a")])
def test_a_name_that_is_too_long_for_a_file(shell: Shell, words: tuple[str, ...]) -> None:
    answer = shell("dataset", *words)
    assert (answer.code, "File name too long" in answer.three_lines[0]) == (2, True)


EACH_READER = [["check"], ["view"], ["preview"], ["caption", "--prefix", "sks"]]


def a_folder(caption: Path) -> None:
    caption.mkdir()


def a_pipe(caption: Path) -> None:
    os.mkfifo(caption)


def a_device(caption: Path) -> None:
    caption.symlink_to("/dev/zero")


def a_huge_file(caption: Path) -> None:
    caption.touch()
    os.truncate(caption, 3 << 30)


def a_long_text(caption: Path) -> None:
    caption.write_text("tag, " * 20_000, encoding="utf-8")


@pytest.mark.parametrize("command", EACH_READER)
@pytest.mark.parametrize(
    ("put", "said"),
    [
        (a_folder, "a.txt is a folder, and no caption."),
        (a_pipe, "a.txt is no file but a pipe, a socket or a device, and no caption."),
        (a_device, "a.txt is no file but a pipe, a socket or a device, and no caption."),
        (a_huge_file, "a.txt has 3221.2 MB: that is no caption"),
        (a_long_text, "a.txt has 100 kB: that is no caption"),
    ],
)
def test_what_can_be_no_caption_is_named_and_left_as_it_is(
    shell: Shell, small_project: Path, command: list[str], put: Callable[[Path], None], said: str
) -> None:
    caption = small_project / "training_data" / "10_cat" / "a.txt"
    caption.unlink()
    put(caption)
    before = caption.lstat()
    name, *words = command
    memory = ("sh", "-c", 'ulimit -v 3000000; exec "$@"', "sh")
    limited = Shell(shell.cwd, shell.variables, (*memory, *shell.program))
    answer = limited("dataset", name, "my-lora", *words)
    assert "Traceback" not in answer.err
    if name == "preview":
        assert answer.code == 0
        assert said in (small_project / "output" / "dataset.html").read_text(encoding="utf-8")
    else:
        assert answer.code == 4
        assert said in answer.out + answer.err
    after = caption.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["caption", "my-lora", "--prefix", "zz"], 8),
        (["build", "photos", "--concept", "a", "--project", "my-lora"], 4),
    ],
)
def test_a_file_where_kohya_wrap_keeps_its_own(
    shell: Shell, small_project: Path, photographs: Path, words: list[str], code: int
) -> None:
    shutil.copytree(photographs, shell.cwd / "photos")
    (small_project / ".kohya-wrap").write_text("x")
    answer = shell("dataset", *words)
    assert answer.code == code
    what, _, hint = answer.three_lines
    assert what.endswith("my-lora/.kohya-wrap is a file, where a folder must be.")
    subprocess.run(hint.partition("   ")[0], shell=True, check=True, cwd=shell.cwd)  # noqa: S602 - as a person would
    assert shell("dataset", *words).code == 0


@pytest.mark.parametrize("size", [1, 800])
@pytest.mark.parametrize("words", [("check",), ("view",), ("preview",), ("caption", "--prefix", "sks")])
def test_a_zip_is_for_build(shell: Shell, tmp_path: Path, size: int, words: tuple[str, ...]) -> None:
    with zipfile.ZipFile(tmp_path / "my photos.zip", "w") as archive:
        archive.writestr("a.png", os.urandom(size * 1000))
    answer = shell("dataset", words[0], "my photos.zip", *words[1:])
    assert answer.code == 3
    what, _, hint = answer.three_lines
    assert what.endswith("my photos.zip is a zip, of which `dataset build` makes a folder.")
    assert hint.startswith("kohya-wrap dataset build ") and hint.split("--concept")[0].rstrip().endswith(
        "my photos.zip'"
    )
