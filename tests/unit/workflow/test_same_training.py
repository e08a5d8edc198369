"""Which trainings are the same one: by what is said and trained on, not by where it lies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kohya_wrap.workflow import effective, same_training

CONFIG = 'pretrained_model_name_or_path = "models/mine.safetensors"\n'
BESIDE = 'train_data_dir = "../pictures"\n'
DESCRIBED = 'dataset_config = "d.toml"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "q" / "mine"
    for path, content in {
        project / "training_data" / "2_x" / "a.png": "a picture",
        project / "training_data" / "2_x" / "a.txt": "a caption",
        project / "models" / "mine.safetensors": "weights",
        project.parent / "pictures" / "2_x" / "b.png": "another picture",
        project / "d.toml": '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "training_data/2_x"\n',
        project / "training_config.toml": CONFIG,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return project


def key_of(project: Path, *words: str) -> str:
    return same_training.key(effective.read(project / "training_config.toml", words, {}), "rehearsal")


@pytest.mark.parametrize("more", ["", BESIDE, DESCRIBED, 'output_dir = "here"\n'])
def test_it_is_the_same_wherever_it_lies(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    (project / "training_config.toml").write_text(CONFIG + more, encoding="utf-8")
    before = key_of(project)
    copy = shutil.copytree(project.parent, tmp_path / "copy", copy_function=shutil.copyfile) / project.name
    moved = project.parent.rename(tmp_path / "moved") / project.name
    (tmp_path / "link").symlink_to(moved)
    monkeypatch.chdir(copy)
    here = [Path(), Path(os.pardir, "mine"), tmp_path / "link"]
    assert {key_of(one) for one in (copy, moved, *here)} == {before}


@pytest.mark.parametrize(
    ("more", "read"),
    [("", "training_data/2_x"), (BESIDE, "../pictures/2_x"), (DESCRIBED, "training_data/2_x")],
)
def test_another_picture_or_caption_or_name_is_another_training(project: Path, more: str, read: str) -> None:
    (project / "training_config.toml").write_text(CONFIG + more, encoding="utf-8")
    picture = project / read / "a.png"
    keys = []
    for content in ("one", "two", "one"):
        picture.write_text(content, encoding="utf-8")
        keys.append(key_of(project))
    picture.rename(picture.with_name("c.png"))
    keys.append(key_of(project))
    picture.with_name("c.txt").write_text("words", encoding="utf-8")
    assert len({*keys, key_of(project)}) == 4 and keys[0] == keys[2]


def test_the_same_pictures_from_another_folder_are_the_same_but_for_their_repeats(project: Path) -> None:
    first = key_of(project)
    other = shutil.copytree(project / "training_data", project / "other")
    assert key_of(project, f"train_data_dir={other}") == first
    (other / "2_x").rename(other / "3_x")
    assert key_of(project, f"train_data_dir={other}") != first


def test_regularisation_images_are_no_pictures_to_train(project: Path) -> None:
    empty, full = project / "empty", project / "training_data"
    empty.mkdir()
    keys = {
        key_of(project, f"train_data_dir={one}", f"reg_data_dir={other}")
        for one, other in ((empty, full), (full, empty))
    }
    assert len(keys) == 2


def test_another_place_for_the_files_and_another_number_are_another_training(project: Path) -> None:
    asked = [(), ("output_dir=there",), ("output_dir=/elsewhere",), ("unet_lr=1e-4",), ("unet_lr=1",)]
    assert len({key_of(project, *words) for words in asked}) == len(asked)
    assert key_of(project, "unet_lr=1") == key_of(project, "unet_lr=1.0")


def test_of_weights_pieces_from_all_over_are_read(project: Path) -> None:
    weights = project / "models" / "mine.safetensors"
    os.truncate(weights, 4 << 30)  # of holes
    before = key_of(project)
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert key_of(project) != before
