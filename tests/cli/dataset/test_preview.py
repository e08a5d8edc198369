"""`kohya-wrap dataset preview`, as it is typed; the page itself is looked at in tests/browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.fixtures.shell import Shell


def below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*")}


def test_the_page_lies_in_output_and_the_dataset_is_left_alone(shell: Shell, small_project: Path) -> None:
    before = below(small_project)
    answer = shell("dataset", "preview", "my-lora/training_config.toml")
    assert (answer.code, answer.err) == (0, "")
    page = small_project / "output" / "dataset.html"
    assert below(small_project) - before == {page.parent, page}
    assert answer.out.splitlines()[0].startswith("3 images, ")
    assert answer.out.splitlines()[-1].startswith("The page: my-lora/output/dataset.html (0.")
    assert "sks, a dog</textarea>" in page.read_text(encoding="utf-8")


def test_json_says_where_the_page_is(shell: Shell, small_project: Path) -> None:
    data = shell("dataset", "preview", "my-lora", "--out", "seen", "--json").envelope["data"]
    page = shell.cwd / "seen"
    assert (data["page"], data["bytes"], data["images"]) == (str(page), page.stat().st_size, 3)


def test_a_folder_without_a_project_has_its_page_here(shell: Shell, small_project: Path) -> None:
    (small_project / "training_config.toml").unlink()
    answer = shell("dataset", "preview", "my-lora/training_data")
    assert (answer.code, answer.err) == (0, "")
    assert (shell.cwd / "dataset.html").is_file()


@pytest.mark.parametrize(
    "words",
    [
        (".",),
        ("../../training_config.toml", "--out", "10_cat/seen.html"),
        ("../../training_config.toml", "--out", "10_cat"),
    ],
)
def test_never_among_the_images(shell: Shell, small_project: Path, words: tuple[str, ...]) -> None:
    here = Shell(small_project / "training_data", shell.variables)
    words = tuple(word.replace("../../", "../") for word in words)
    before = below(small_project)
    answer = here("dataset", "preview", *words)
    assert answer.code == 2
    what, _, hint = answer.three_lines
    assert what.endswith("would lie among the images.")
    assert "--out" in hint
    assert below(small_project) == before


def test_what_cannot_be_read_is_said_in_the_page(shell: Shell, small_project: Path) -> None:
    (small_project / "training_data" / "10_cat" / "b.png").write_bytes(b"no picture")
    answer = shell("dataset", "preview", "my-lora")
    assert answer.code == 0
    assert answer.out.startswith("2 images, 1 error")
    text = (small_project / "output" / "dataset.html").read_text(encoding="utf-8")
    assert "b.png" in text and '<span class="level error">error</span>' in text


def test_no_dataset(shell: Shell) -> None:
    (shell.cwd / "empty").mkdir()
    answer = shell("dataset", "preview", "empty")
    assert answer.code == 4
    assert answer.three_lines[0].startswith("No image in ")


@pytest.mark.parametrize("name", ["training_config.toml", "notes.html", "pipe"])
def test_nothing_else_is_overwritten(shell: Shell, small_project: Path, name: str) -> None:
    target = small_project / name
    if name == "pipe":
        os.mkfifo(target)
    elif name == "notes.html":
        target.write_text("<!doctype html><p>mine")
    before = target.lstat()
    answer = shell("dataset", "preview", "my-lora", "--out", f"my-lora/{name}")
    assert (answer.code, f"{name} is there, and no page" in answer.three_lines[0]) == (2, True)
    assert (target.lstat().st_ino, target.lstat().st_size) == (before.st_ino, before.st_size)


def test_a_page_made_before_and_an_empty_file_are(shell: Shell, small_project: Path) -> None:
    (small_project / "seen.html").touch()
    sizes = set()
    for _ in range(2):
        assert shell("dataset", "preview", "my-lora", "--out", "my-lora/seen.html").code == 0
        sizes.add((small_project / "seen.html").stat().st_ino)
    assert len(sizes) == 2


@pytest.mark.parametrize("place", ["reg", "reg/1_pet"])
def test_nor_among_regularisation_images(shell: Shell, small_project: Path, place: str) -> None:
    (small_project / "reg/1_pet").mkdir(parents=True)
    shutil.copy(small_project / "training_data/10_cat/a.png", small_project / "reg/1_pet")
    out = f"my-lora/{place}/seen.html"
    answer = shell("dataset", "preview", "my-lora", "--set", "reg_data_dir=reg", "--out", out)
    assert answer.code == 2
    assert answer.three_lines[0].endswith("would lie among the images.")


def test_nor_among_those_of_a_dataset_config(shell: Shell, small_project: Path) -> None:
    (small_project / "reg").mkdir()
    shutil.copy(small_project / "training_data/10_cat/a.png", small_project / "reg")
    subset = '[[datasets.subsets]]\nimage_dir = "{}"\nclass_tokens = "c"\n'
    text = "[[datasets]]\n" + subset.format("training_data/10_cat") + subset.format("reg") + "is_reg = true\n"
    (small_project / "ds.toml").write_text(text)
    words = ("--set", "dataset_config=ds.toml")
    answer = shell("dataset", "preview", "my-lora", *words, "--out", "my-lora/reg/seen.html")
    assert answer.code == 2, answer.err
    assert answer.three_lines[0].endswith("would lie among the images.")
    assert shell("dataset", "preview", "my-lora", *words, "--out", "my-lora/seen.html").code == 0


def test_images_that_lie_beside_the_config_leave_room_for_the_page(shell: Shell, small_project: Path) -> None:
    """The usual place is below train_data_dir then."""
    (small_project / "training_data/10_cat").rename(small_project / "10_cat")
    answer = shell("dataset", "preview", "my-lora", "--set", "train_data_dir=.")
    assert (answer.code, answer.err) == (0, "")
