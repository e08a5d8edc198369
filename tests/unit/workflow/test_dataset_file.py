"""A dataset_config that is damaged, made to do harm, or no file at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kohya_wrap.errors import ConfigError
from kohya_wrap.workflow import dataset_config, dataset_file

SUBSET = '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "{}"\n'
JSON = '{{"datasets": [{{"subsets": [{{"image_dir": "{}"}}]}}]}}'


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("d.toml", "[[datasets]]\nsubsets = 3\n", "no [[datasets.subsets]]"),
        ("d.toml", "datasets = 3\n", "there is none"),
        ("d.toml", "[[datasets]]\nsubsets = [3]\n", "must be a table"),
        ("d.toml", SUBSET.format("tr\\u0000ain"), "a character that no file can hold: 'tr\\x00ain'"),
        ("d.toml", SUBSET.format(""), "no `image_dir`"),
        ("d.toml", SUBSET.format("x" * 5000), "File name too long"),
        ("d.toml", SUBSET.format("~nobodyxyz/train"), "~nobodyxyz/train is not there"),
        ("d.toml", SUBSET.format("d.toml"), "d.toml is a file, and no folder"),
        ("d.toml", "a = " + "[" * 100_000, "is not TOML"),
        ("d.toml", "[" * 100_000, "is not TOML"),
        ("d.toml", b"\xff\xfe", "is not UTF-8"),
        ("d.json", JSON.format("train\\ud800"), "a character that no file can hold"),
        ("d.json", JSON.format('train", "class_tokens": "\\ud800'), "`class_tokens` holds a character"),
        ("d.json", '{"\\ud800": 1}', "'\\ud800': only [general] and [[datasets]]"),
        ("d.json", "[" * 100_000, "nested too deep"),
        ("d.json", "[1]", "d.json holds no table"),
        ("d.json", '{"datasets": [{"batch_size": 1e999, "subsets": [{"image_dir": "a"}]}]}', "a whole number"),
        ("d.json", "x" * (1 << 21), "no training config is that large"),
    ],
)  # fmt: skip
def test_it_is_refused_in_words(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as refused:
        dataset_config.survey(path, {}, "c.toml:7")
    error = refused.value
    assert said in error.message and error.why and error.hint
    assert len(error.message) < 600
    assert error.message.encode()  # can be shown


@pytest.mark.parametrize("name", ["d.toml", "d.json"])
@pytest.mark.parametrize(("kind", "said"), [("none", "is not there"), ("folder", "is a folder"), ("pipe", "is no file")])  # fmt: skip
def test_it_is_no_file(tmp_path: Path, name: str, kind: str, said: str) -> None:
    path = tmp_path / name
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # reading it would never end
    with pytest.raises(ConfigError, match=said) as refused:
        dataset_file.read(path, "c.toml:7")
    assert refused.value.why.startswith("c.toml:7 names it as dataset_config")
    assert "kohya-wrap init" not in refused.value.hint


def test_every_value_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(f"[general]\nbatch_size = 1\n{SUBSET.format('a')}{SUBSET.format('b')}keep_tokens = 1\n")
    file = dataset_file.read(path, "")
    first, second = dataset_file.of_subset(1, 1), dataset_file.of_subset(2, 1)
    assert [file.where("[general]", "batch_size"), file.where(first, "image_dir")] == ["d.toml:2", "d.toml:5"]
    assert [file.where(second, "keep_tokens"), file.where(second, "flip_aug")] == ["d.toml:9", "d.toml:7"]
    assert file.where("[[datasets]] 9", "keep_tokens") == "d.toml"


def test_a_link_to_a_folder_stays_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "other").symlink_to("real")
    (tmp_path / "d.toml").write_text(SUBSET.format("./inner/../other"))
    (dataset,) = dataset_file.read(tmp_path / "d.toml", "").data["datasets"]
    assert dataset["subsets"][0]["image_dir"] == str(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("d.yaml", "Write the same as TOML into {}, and name that."), ("d.txt", "mv {0.parent}/d.txt {0}")],
)
def test_another_ending_is_not_renamed_where_the_text_is_no_toml(
    tmp_path: Path, name: str, hint: str
) -> None:
    (tmp_path / name).write_text("datasets: []\n")
    with pytest.raises(ConfigError) as refused:
        dataset_file.read(tmp_path / name, "c.toml:7")
    assert refused.value.hint == hint.format(tmp_path / "d.toml")
