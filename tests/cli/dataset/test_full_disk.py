"""What is said and left behind where the project's disk is full."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from tests.fixtures.shell import Shell


def fill(disk: Path) -> None:
    with (disk / "fill").open("wb") as file:
        file.write(b"x" * shutil.disk_usage(disk).free)


def test_a_write_that_names_no_file_is_of_the_project_s_disk(
    shell: Shell, tmp_path: Path, small_disk: Path
) -> None:
    for number in range(9):
        path = tmp_path / "photos" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise((700, 700), 200).save(path)
    words = ("dataset", "build", "photos", "--concept", "x", "--resize", "512")
    for project in (("--project", small_disk / "new"), (f"--project={small_disk / 'new'}",)):
        answer = shell(*words, *project)
        assert answer.code == 8
        what, why, hint = answer.three_lines
        assert what.startswith(f"The disk of {small_disk}") and what.endswith(": No space left on device.")
        assert why == "The disk is full, or your share of it."
        assert hint.startswith(f"df -h {small_disk}") and "KOHYA_WRAP_HOME" not in hint


def test_a_caption_s_backup_is_whole_or_not_there(
    shell: Shell, small_disk: Path, small_project: Path
) -> None:
    project = small_disk / "my-lora"
    shutil.copytree(small_project, project)
    captions = {path: path.read_bytes() for path in project.rglob("*.txt")}
    fill(small_disk)
    answer = shell("dataset", "caption", project, "--prefix", "xyz")
    assert answer.code == 8 and str(small_disk) in answer.three_lines[0], answer.err
    assert {path: path.read_bytes() for path in project.rglob("*.txt")} == captions
    kept = [
        path for path in (project / ".kohya-wrap").rglob("*") if path.is_file() and "backups" in str(path)
    ]
    assert kept == []
