"""`kohya-wrap dataset apply`, as it is typed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.host import image_file
from tests.fixtures.shell import Shell

A, B, C = (f"10_cat/{name}.txt" for name in "abc")
EDIT_A = {A: {"old": "sks, a cat\n", "new": "sks, a grey cat\n"}}
EDIT_B = {B: {"old": "sks, a dog", "new": "sks, a brown dog"}}
EDIT_C = {C: {"old": None, "new": "sks, a bird\n"}}


def save(folder: Path, edits: dict[str, Any], project: str = "my-lora", **more: Any) -> Path:
    """As the page does, of the pictures that are there now."""
    file = folder / "captions.json"
    data = folder / "my-lora" / "training_data"
    edits = {key: {"images": shown(data / key), **edit} for key, edit in edits.items()}
    held = {
        "kohya_wrap": "captions", "schema": 1, "dataset": str(folder / project / "training_data"),
        "caption_extension": ".txt", "edits": edits, **more,
    }  # fmt: skip
    file.write_text(json.dumps(held), encoding="utf-8")
    return file


def shown(caption: Path) -> list[str]:
    picture = caption.with_suffix(".png")
    return [image_file.digest(picture.read_bytes())] if picture.is_file() else []


def texts(project: Path) -> dict[str, str]:
    data = project / "training_data"
    return {
        p.relative_to(data).as_posix(): p.read_text(encoding="utf-8") for p in sorted(data.rglob("*.txt"))
    }


@pytest.mark.parametrize("before", [EDIT_A[A]["new"], ""])  # an empty one is a line's end on disk
def test_what_the_page_saved_before_may_be_there(shell: Shell, small_project: Path, before: str) -> None:
    assert shell("dataset", "apply", save(shell.cwd, {A: {**EDIT_A[A], "new": before}})).code == 0
    again = {A: {**EDIT_A[A], "new": "sks, a black cat\n", "saved": [before]}}
    answer = shell("dataset", "apply", save(shell.cwd, again))
    assert (answer.code, answer.err) == (0, "")
    assert texts(small_project)[A] == "sks, a black cat\n"


def test_edits_are_written_with_a_diff_and_a_backup(shell: Shell, small_project: Path) -> None:
    before = texts(small_project)
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A | EDIT_C))
    assert (answer.code, answer.err) == (0, "")
    assert texts(small_project) == before | {A: "sks, a grey cat\n", C: "sks, a bird\n"}
    lines = answer.out.splitlines()
    assert lines[:5] == [
        "--- a/training_data/10_cat/a.txt", "+++ b/training_data/10_cat/a.txt", "@@ -1 +1 @@",
        "-sks, a cat", "+sks, a grey cat",
    ]  # fmt: skip
    assert "2 captions written" in lines
    backups = list((small_project / ".kohya-wrap" / "caption-backups").rglob("*.txt"))
    assert [path.read_text(encoding="utf-8") for path in backups] == ["sks, a cat\n"]
    assert (
        f"back with: cp -r my-lora/.kohya-wrap/caption-backups/{backups[0].parents[2].name}/. my-lora"
        in lines[-1]
    )


def test_a_project_without_a_config_keeps_the_backup(shell: Shell, small_project: Path) -> None:
    (small_project / "training_config.toml").unlink()
    (small_project / ".kohya-wrap").mkdir(exist_ok=True)  # as a build leaves it
    assert shell("dataset", "apply", save(shell.cwd, EDIT_A)).code == 0
    assert [*(small_project / ".kohya-wrap/caption-backups").rglob("a.txt")]
    assert not (small_project / "training_data/.kohya-wrap").exists()


def test_a_dry_run_writes_nothing(shell: Shell, small_project: Path) -> None:
    before = texts(small_project)
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A), "--dry-run")
    assert "+sks, a grey cat" in answer.out and "1 caption would be written" in answer.out
    assert texts(small_project) == before
    assert not (small_project / ".kohya-wrap").exists()


def test_again_there_is_nothing_to_write(shell: Shell, small_project: Path) -> None:
    file = save(shell.cwd, EDIT_A)
    shell("dataset", "apply", file)
    answer = shell("dataset", "apply", file)
    assert (answer.code, answer.out) == (0, "0 captions written, 1 written before\n")


def test_where_one_has_changed_since_none_is_written(shell: Shell, small_project: Path) -> None:
    (small_project / "training_data" / A).write_text("by hand\n", encoding="utf-8")
    before = texts(small_project)
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A | EDIT_B))
    assert answer.code == 4
    what, _, hint = answer.three_lines
    assert what == f"{A}: it has changed since the page was made."
    assert hint.startswith("The other 1 with --skip-changed;")
    assert texts(small_project) == before


def test_a_caption_is_not_written_to_another_picture_than_the_page_showed(
    shell: Shell, small_project: Path
) -> None:
    file = save(shell.cwd, EDIT_B | EDIT_C)
    folder = small_project / "training_data" / "10_cat"
    (folder / "a.png").replace(folder / "c.png")
    before = texts(small_project)
    answer = shell("dataset", "apply", file)
    assert answer.code == 4
    assert answer.three_lines[0] == f"{C}: its picture is another one since the page was made."
    assert texts(small_project) == before
    skipped = shell("dataset", "apply", file, "--skip-changed", "--json")
    assert [f["code"] for f in skipped.envelope["findings"]] == ["another-image"]
    assert texts(small_project) == before | {B: "sks, a brown dog"}


def test_a_folder_with_another_number_since_is_the_same_concept(shell: Shell, small_project: Path) -> None:
    file = save(shell.cwd, EDIT_A | EDIT_C)
    data = small_project / "training_data"
    (data / "10_cat").rename(data / "50_cat")
    assert shell("dataset", "apply", file).code == 0
    assert texts(small_project) == {
        "50_cat/a.txt": "sks, a grey cat\n", "50_cat/b.txt": "sks, a dog", "50_cat/c.txt": "sks, a bird\n",
    }  # fmt: skip


def test_all_that_cannot_be_written_are_named(shell: Shell, small_project: Path) -> None:
    data = small_project / "training_data"
    (data / A).unlink()
    (data / "10_cat" / "c.png").unlink()
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A | EDIT_B | EDIT_C), "--json")
    assert answer.code == 4
    assert {f["where"]: f["code"] for f in answer.envelope["findings"]} == {A: "changed-since", C: "no-image"}
    assert answer.envelope["error"]["message"] == "2 of 3 captions cannot be written."


def test_the_others_are_written_when_that_is_asked(shell: Shell, small_project: Path) -> None:
    (small_project / "training_data" / A).write_text("by hand\n", encoding="utf-8")
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A | EDIT_B), "--skip-changed")
    assert answer.code == 0
    assert f"warning: {A}: it has changed since the page was made." in answer.out
    assert texts(small_project) == {A: "by hand\n", B: "sks, a brown dog"}


def test_a_caption_that_was_emptied_still_has_a_byte(shell: Shell, small_project: Path) -> None:
    assert shell("dataset", "apply", save(shell.cwd, {B: {"old": "sks, a dog", "new": ""}})).code == 0
    assert texts(small_project)[B] == "\n"


def test_on_another_machine_the_project_is_named(shell: Shell, small_project: Path) -> None:
    file = save(shell.cwd, EDIT_A, project="elsewhere")
    answer = shell("dataset", "apply", file)
    assert answer.code == 4
    what, _, hint = answer.three_lines
    assert what.endswith("elsewhere/training_data is not here.")
    assert hint.endswith("captions.json PROJECT")
    assert shell("dataset", "apply", file, "my-lora").code == 0
    assert texts(small_project)[A] == "sks, a grey cat\n"


def test_of_another_project(shell: Shell, small_project: Path) -> None:
    shutil.copytree(
        small_project / "training_data" / "10_cat", shell.cwd / "other" / "training_data" / "3_dog"
    )
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A), "other")
    assert answer.code == 4
    assert answer.three_lines[0].startswith("No caption in captions.json belongs to an image in ")


@pytest.mark.parametrize("key", ["../../../secret.txt", "10_cat/../../../secret.txt", "/secret.txt"])
def test_nothing_but_captions_can_be_written(shell: Shell, small_project: Path, key: str) -> None:
    data = small_project / "training_data"
    others = {path: path.read_bytes() for path in data.rglob("*") if path != data / B and path.is_file()}
    file = save(shell.cwd, EDIT_B | {key: {"old": None, "new": "x"}})
    assert shell("dataset", "apply", file).code == 4
    assert texts(small_project)[B] == EDIT_B[B]["old"]
    shell("dataset", "apply", file, "--skip-changed")
    assert {
        path: path.read_bytes() for path in data.rglob("*") if path != data / B and path.is_file()
    } == others
    assert not list(shell.cwd.rglob("secret.txt"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ("[1]", "Input should be an object."),
        ('{"a": 1}', "kohya_wrap: Field required."),
        ('{"kohya_wrap": "captions", "schema": 2}', "schema: Input should be 1."),
        ('{"kohya_wrap": "captions", "edits": {"a": {"old": "\\ud83d", "new": "b"}}}', "Invalid JSON"),
    ],
)  # fmt: skip
def test_no_file_of_the_page(shell: Shell, text: str, why: str) -> None:
    (shell.cwd / "captions.json").write_text(text, encoding="utf-8")
    answer = shell("dataset", "apply", "captions.json")
    assert answer.code == 2
    what, because, _ = answer.three_lines
    assert what == "captions.json holds no captions of `dataset preview`."
    assert why in because


@pytest.mark.parametrize(("name", "what"), [("gone.json", "not there"), (".", "a folder")])
def test_no_file_at_all(shell: Shell, name: str, what: str) -> None:
    answer = shell("dataset", "apply", name)
    assert answer.code == 2
    assert answer.three_lines[0] == f"{name} is {what}."


def test_an_image_is_no_caption_whatever_the_file_says(shell: Shell, small_project: Path) -> None:
    image = small_project / "training_data" / "10_cat" / "a.png"
    before = image.read_bytes()
    edit = {"old": image.read_text(encoding="utf-8-sig", errors="replace"), "new": "x"}
    file = save(shell.cwd, {"10_cat/a.png": edit}, caption_extension=".png")
    assert shell("dataset", "apply", file).code == 4
    assert image.read_bytes() == before


def test_a_caption_that_is_none_is_refused_as_build_does(shell: Shell, small_project: Path) -> None:
    before = texts(small_project)
    answer = shell(
        "dataset", "apply", save(shell.cwd, EDIT_A | {B: {"old": "sks, a dog", "new": "x" * 200_000}})
    )
    assert answer.code == 4
    assert answer.three_lines[0] == (
        f"{B} has 200 kB: that is no caption; the engine reads 225 tokens at most."
    )
    assert texts(small_project) == before


@pytest.mark.parametrize("where", ["empty", "gone"])
def test_where_there_is_no_dataset_the_hint_is_of_apply(
    shell: Shell, small_project: Path, where: str
) -> None:
    (shell.cwd / "empty").mkdir()
    answer = shell("dataset", "apply", save(shell.cwd, EDIT_A), where)
    assert answer.code == 4
    assert answer.three_lines[2].endswith("captions.json PROJECT")


@pytest.mark.parametrize("of", ["pipe", "device", "size"])
def test_what_is_no_file_of_captions_is_not_read(shell: Shell, small_project: Path, of: str) -> None:
    file = shell.cwd / "captions.json"
    if of == "pipe":
        os.mkfifo(file)
    elif of == "device":
        file = Path("/dev/zero")
    else:
        file.touch()
        os.truncate(file, 3 << 30)
    answer = shell("dataset", "apply", file, small_project)
    assert answer.code == 2
    assert answer.three_lines[0].endswith(
        "is larger than any file of captions."
        if of == "size"
        else "is no file but a pipe, a socket or a device."
    )


def test_skipped_where_the_only_image_is_gone_nothing_is_written_and_that_is_said(
    shell: Shell, small_project: Path
) -> None:
    (small_project / "training_data" / "10_cat" / "a.png").unlink()
    file = save(shell.cwd, EDIT_A)
    answer = shell("dataset", "apply", file, "--skip-changed")
    assert answer.code == 0
    assert "0 captions written" in answer.out and "its image is gone, or was renamed" in answer.out
    shutil.copytree(small_project, shell.cwd / "other")
    assert shell("dataset", "apply", file, "other", "--skip-changed").code == 4
