"""Which pictures `dataset caption` takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.errors import ConfigError, DatasetError
from kohya_wrap.workflow import captioned_folders
from kohya_wrap.workflow.captioned_folders import Chosen

CONFIG = '[kohya_wrap]\ntrigger = "sks"\n'


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("a\n", encoding="utf-8")
        else:
            Image.new("RGB", (8, 8)).save(path, "PNG")


def config(root: Path, text: str = CONFIG) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    file = root / "training_config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def listed(chosen: Chosen) -> list[str]:
    return [f"{folder.path.name}/{image.name}" for folder, _ in chosen.folders for image in folder.images]


def test_a_project(tmp_path: Path) -> None:
    put(tmp_path, "training_data/10_cat/b.png", "training_data/10_cat/a.png", "training_data/10_cat/c.svg")
    put(tmp_path, "training_data/cat/x.png", "y.png", "training_data/5_empty/z.txt")
    file = config(tmp_path)
    for where in (tmp_path, file):
        chosen = captioned_folders.choose(where, {})
        assert listed(chosen) == ["10_cat/a.png", "10_cat/b.png"]
        assert (chosen.root, chosen.folders[0][1], chosen.trigger) == (tmp_path, ".txt", "sks")


def test_the_config_says_where_and_with_what_ending(tmp_path: Path) -> None:
    put(tmp_path, "photos/1_cat/a.png", "training_data/1_cat/b.png")
    config(tmp_path / "p", CONFIG + '[dataset]\ntrain_data_dir = "../photos"\ncaption_extension = "tags"\n')
    chosen = captioned_folders.choose(tmp_path / "p", {})
    assert (listed(chosen), chosen.folders[0][1]) == (["1_cat/a.png"], ".tags")


def test_several_concepts_have_no_one_trigger(tmp_path: Path) -> None:
    put(tmp_path, "training_data/10_cat/a.png", "training_data/10_dog/b.png")
    config(tmp_path)
    chosen = captioned_folders.choose(tmp_path, {})
    assert (len(chosen.folders), chosen.trigger) == (2, "")
    one = captioned_folders.choose(tmp_path / "training_data" / "10_dog", {})
    assert (listed(one), one.trigger, one.root) == (["10_dog/b.png"], "", tmp_path)


def test_a_folder_of_a_project_is_remembered_by_the_project(tmp_path: Path) -> None:
    put(tmp_path, "training_data/10_cat/a.png")
    config(tmp_path)
    for where in (tmp_path / "training_data", tmp_path / "training_data" / "10_cat"):
        chosen = captioned_folders.choose(where, {})
        assert (listed(chosen), chosen.root, chosen.trigger) == (["10_cat/a.png"], tmp_path, "sks")


def test_a_folder_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "photos/a.png", "photos/.hidden.png", "photos/inner/b.png")
    monkeypatch.chdir(tmp_path / "photos")
    chosen = captioned_folders.choose(Path(), {})
    assert (listed(chosen), chosen.root, chosen.trigger) == (["photos/a.png"], tmp_path / "photos", "")
    assert chosen.folders[0][0].images[0].is_absolute()


def test_a_project_before_its_config(tmp_path: Path) -> None:
    put(tmp_path, "training_data/10_cat/a.png", "cover.png")
    assert listed(captioned_folders.choose(tmp_path, {})) == ["10_cat/a.png"]


def test_the_ending_is_the_one_that_is_there(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    (tmp_path / "a.caption").write_text("x", encoding="utf-8")
    assert captioned_folders.choose(tmp_path, {}).folders[0][1] == ".caption"


@pytest.mark.parametrize("there", ["none", "empty", "project"])
def test_nothing_to_caption(tmp_path: Path, there: str) -> None:
    (tmp_path / "empty").mkdir()
    config(tmp_path / "project")
    with pytest.raises(DatasetError) as refused:
        captioned_folders.choose(tmp_path / there, {})
    assert ("is not there" if there == "none" else "No picture in") in refused.value.message


def test_a_config_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    put(tmp_path, "training_data/10_cat/a.png")
    config(tmp_path, "[")
    with pytest.raises(ConfigError):
        captioned_folders.choose(tmp_path, {})


@pytest.mark.parametrize("name", ["a.png", "more.zip", "captions.json", "page.html", "/dev/null"])
def test_a_file_that_is_no_config_stands_for_no_folder(tmp_path: Path, name: str) -> None:
    put(tmp_path, "a.png", "b.png")
    if not (tmp_path / name).exists():
        (tmp_path / name).write_bytes(b"PK\3\4\xff" if name.endswith("zip") else b"{}")
    with pytest.raises(ConfigError) as refused:
        captioned_folders.choose(tmp_path / name, {})
    assert name in refused.value.message
    if name == "a.png":
        assert refused.value.hint == f"Name its folder: {tmp_path}"
