"""The dataset commands on a project whose folders a dataset_config names."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.fixtures.shell import Shell

CONFIG = 'dataset_config = "d.toml"\nmax_train_epochs = 2\n[kohya_wrap]\nbase = "sd15"\ntrigger = "sks"\n'
MIXED = """
[[datasets]]
[[datasets.subsets]]
image_dir = "a/x"
[[datasets.subsets]]
image_dir = "b/x"
caption_extension = ".caption"
"""
TWO = """
[general]
enable_bucket = true
[[datasets]]
resolution = 512
batch_size = 2
[[datasets.subsets]]
image_dir = "a/x"
num_repeats = 3
[[datasets]]
resolution = 256
batch_size = 1
[[datasets.subsets]]
image_dir = "a/x"
[[datasets.subsets]]
image_dir = "b/x"
caption_extension = ".caption"
"""
Write = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """project(dataset_config): two folders called alike, whose pictures are called alike too."""

    def write(text: str, config: str = CONFIG) -> Path:
        root = tmp_path / "my-lora"
        for name, colour in {"a": "red", "b": "blue"}.items():
            (root / name / "x").mkdir(parents=True, exist_ok=True)
            Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(root / name / "x" / "cat.png")
            Image.new("RGB", (256, 256), colour).save(root / name / "x" / "plain.png")
        (root / "a" / "x" / "cat.txt").write_text("sks, one", encoding="utf-8")
        (root / "b" / "x" / "cat.caption").write_text("sks, two", encoding="utf-8")
        (root / "d.toml").write_text(text, encoding="utf-8")
        (root / "training_config.toml").write_text(config, encoding="utf-8")
        return root

    return write


def saved(page: Path, edits: dict[str, tuple[str | None, str]]) -> str:
    """As the page's own script saves them."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'id="saved-as">(.*?)</script>', text, re.DOTALL)
    assert found
    images = {key: re.findall(rf'data-key="{re.escape(key)}" data-image="([^"]*)"', text) for key in edits}
    written = {key: {"images": images[key], "old": old, "new": new} for key, (old, new) in edits.items()}
    return json.dumps({**json.loads(html.unescape(found[1])), "edits": written})


def test_each_caption_of_the_page_comes_back_to_its_own_file(
    shell: Shell, project: Write, tmp_path: Path
) -> None:
    root = project(MIXED)
    page = tmp_path / "page.html"
    assert shell("dataset", "preview", root, "--out", page).code == 0
    keys = re.findall(r'data-key="([^"]*)"', page.read_text(encoding="utf-8"))
    assert sorted(keys) == ["a/x/cat.txt", "a/x/plain.txt", "b/x/cat.caption", "b/x/plain.caption"]
    edits = {
        "a/x/cat.txt": ("sks, one", "sks, first"),
        "b/x/cat.caption": ("sks, two", "sks, second"),
        "b/x/plain.caption": (None, "sks, blue\n"),
    }
    (tmp_path / "captions.json").write_text(saved(page, edits), encoding="utf-8")
    assert shell("dataset", "apply", "captions.json").code == 0
    assert (root / "a/x/cat.txt").read_text() == "sks, first"
    assert (root / "b/x/cat.caption").read_text() == "sks, second"
    assert (root / "b/x/plain.caption").read_text() == "sks, blue\n"
    assert not list(root.glob("b/x/*.txt"))
    moved = root.rename(tmp_path / "moved")
    again = shell("dataset", "apply", "captions.json", moved)
    assert (again.code, "3 written before" in again.out) == (0, True)


def test_a_caption_with_an_ending_that_the_subset_does_not_have_is_not_written(
    shell: Shell, project: Write, tmp_path: Path
) -> None:
    root = project(MIXED)
    assert shell("dataset", "preview", root, "--out", tmp_path / "page.html").code == 0
    edits: dict[str, tuple[str | None, str]] = {
        "b/x/cat.txt": (None, "no"),
        "b/x/cat.caption": ("sks, two", "x"),
    }
    (tmp_path / "captions.json").write_text(saved(tmp_path / "page.html", edits), encoding="utf-8")
    assert shell("dataset", "apply", "captions.json").code == 4
    assert not (root / "b/x/cat.txt").exists() and (root / "b/x/cat.caption").read_text() == "sks, two"


def test_captions_are_written_with_the_ending_of_each_subset(shell: Shell, project: Write) -> None:
    root = project(MIXED)
    answer = shell("dataset", "caption", root, "--with", "none", "--prefix", "sks")
    assert answer.code == 0 and "4 pictures: 2 captions written" in answer.out
    assert [(root / name).is_file() for name in ("a/x/plain.txt", "b/x/plain.caption")] == [True, True]
    assert len(list(root.glob("?/x/*.txt"))) == len(list(root.glob("?/x/*.caption"))) == 2
    one = shell("dataset", "caption", root / "b" / "x", "--replace", "two=three", "--json").envelope["data"]
    assert (one["images"], [change["new"] for change in one["edited"]]) == (2, ["sks, three"])


def test_regularisation_images_are_left_alone(shell: Shell, project: Write) -> None:
    root = project(MIXED + "is_reg = true\n")
    data = shell("dataset", "caption", root, "--prefix", "sks", "--dry-run", "--json").envelope["data"]
    assert data["images"] == 2


def test_what_a_subset_says_of_its_captions_is_checked(shell: Shell, project: Write) -> None:
    """A prefix that has the trigger, and lines of which one is drawn."""
    text = MIXED.replace('image_dir = "a/x"', 'image_dir = "a/x"\ncaption_prefix = "sks, photo of"')
    root = project(text + "enable_wildcard = true\n")
    (root / "a/x/cat.txt").write_text("a cat", encoding="utf-8")
    (root / "b/x/cat.caption").write_text("sks, two\nsks, three", encoding="utf-8")
    data = shell("dataset", "check", root, "--json").envelope["data"]
    captions = {one["path"].removeprefix(f"{root}/"): one["caption"] for one in data["images"]}
    assert captions["a/x/cat.png"] == "sks, photo of a cat"
    assert captions["b/x/cat.png"] == "sks, two\nsks, three"
    assert [(one["folder"], one["with_trigger"]) for one in data["concepts"]] == [("a/x", 2), ("b/x", 1)]
    of_cats = [f["code"] for one in data["images"] if "cat" in one["path"] for f in one["findings"]]
    assert "more-lines" not in of_cats
    said = shell("dataset", "check", root).err + shell("dataset", "check", root).out
    assert "in a/x/ lack" not in said and "as dataset_config names them" in said
    assert "(.txt, .caption)" in said


def test_several_datasets_are_counted_by_their_own_rules(shell: Shell, project: Write) -> None:
    root = project(TWO)
    data = shell("dataset", "check", root, "--json").envelope["data"]
    assert data["datasets"] == [
        {"resolution": "512,512", "batch": 2},
        {"resolution": "256,256", "batch": 1},
    ]
    counted = [
        (b["dataset"], tuple(b["size"]), b["images"], b["passes"], b["batches"]) for b in data["buckets"]
    ]
    assert counted == [
        (1, (512, 512), 1, 3, 2), (1, (640, 384), 1, 3, 2), (2, (256, 256), 4, 4, 4),
    ]  # fmt: skip
    assert (data["batches_per_epoch"], data["epochs"], data["steps"]) == (8, 2, 16)
    assert [(one["dataset"], one["folder"]) for one in data["concepts"]] == [
        (1, "a/x"),
        (2, "a/x"),
        (2, "b/x"),
    ]
    codes = [
        (f["code"], f["message"]) for f in shell("dataset", "check", root, "--json").envelope["findings"]
    ]
    assert [message for code, message in codes if code == "few-images"] == [
        "4 images are few: the guide finds that 15 to 20 can do, and 30 to 100 do better."
    ]
    assert [code for code, _ in codes].count("tokens-not-counted") == 1
    enlarged = [message[:14] for code, message in codes if code == "enlarged"]
    assert enlarged == ["[[datasets]] 1", "[[datasets]] 2"]
    out = shell("dataset", "check", root).out
    assert "at 512,512 and 256,256" in out and "dataset 2: 256x256" in out and "of 2 and 1" in out


def test_a_page_of_several_datasets(shell: Shell, project: Write, tmp_path: Path) -> None:
    answer = shell("dataset", "preview", project(TWO), "--out", tmp_path / "page.html", "--json")
    assert (answer.code, answer.envelope["data"]["images"]) == (0, 6)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    keys = re.findall(r'data-key="([^"]*)"', text)
    assert keys.count("a/x/cat.txt") == 2 and keys.count("b/x/cat.caption") == 1
    assert "at 512×512, batches of 2 and at 256×256, batches of 1" in text
    assert re.findall(r'<option value="([ab]/x)"', text) == ["a/x", "b/x"]
    assert re.findall(r'<option value="(\d+x\d+)"', text) == ["512x512", "640x384", "256x256"]


@pytest.mark.parametrize("of", ["dataset_config", "folder"])
def test_what_view_finds_unusable_ends_in_4(shell: Shell, project: Write, of: str) -> None:
    root = project(MIXED)
    (root / "a" / "x" / "broken.png").write_bytes(b"no picture")
    named = root if of == "dataset_config" else root / "a" / "x"
    answer = shell("dataset", "view", named, "--json")
    assert (answer.code, answer.envelope["ok"]) == (4, False)
    assert answer.envelope["data"]["images"] and "broken.png" in answer.envelope["error"]["message"]
    what, _, hint = shell("dataset", "view", named).err.splitlines()[-3:]
    assert what.startswith("error: ") and "broken.png" in what and "rm " in hint


def test_view_says_which_dataset_and_needs_no_base(shell: Shell, project: Write) -> None:
    root = project(TWO, CONFIG.replace('base = "sd15"\n', ""))
    answer = shell("dataset", "view", root)
    assert answer.code == 0
    views = re.findall(r"^(\S+)  <-", answer.out, re.MULTILINE)
    assert views[::2] == ["1/1/x/000001.png", "2/1/x/000001.png", "2/2/x/000001.png"]


def test_a_folder_named_twice_is_seen_once(shell: Shell, project: Write) -> None:
    root = project(MIXED + '[[datasets.subsets]]\nimage_dir = "a/x"\nnum_repeats = 9\n')
    for command in ("check", "view"):
        envelope = shell("dataset", command, root, "--json").envelope
        assert len(envelope["data"]["images"]) == 4
        assert "folder-twice" in [finding["code"] for finding in envelope["findings"]]


@pytest.mark.parametrize("command", ["check", "preview", "view"])
def test_a_mistake_is_said_with_what_to_do(shell: Shell, project: Write, command: str) -> None:
    answer = shell("dataset", command, project('[[datasets]]\nsubsets = "abc"\n'))
    assert answer.code == 3
    assert "Mend" in answer.err.splitlines()[-1] and "d.toml" in answer.err.splitlines()[-1]


@pytest.mark.parametrize("name", ["nothere.toml", "nothere.json"])
def test_one_that_is_not_there(shell: Shell, project: Write, name: str) -> None:
    answer = shell("dataset", "check", project(MIXED), "--set", f"dataset_config={name}")
    what, why, hint = answer.three_lines
    assert answer.code == 3 and f"{name} is not there" in what
    assert "--set names it as dataset_config" in why and "init" not in hint


@pytest.mark.parametrize(
    "words",
    [
        ["dataset", "check"],
        ["dataset", "view"],
        ["dataset", "preview"],
        ["dataset", "caption"],
        ["config", "check"],
    ],
    ids=" ".join,
)
def test_the_file_alone_is_no_config(shell: Shell, project: Write, words: list[str]) -> None:
    other = project(MIXED) / "training_data" / "10_cat"
    other.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(other / "a.png")
    edits = ["--with", "none", "--prefix", "zz"] if words[1] == "caption" else []
    answer = shell(*words, "my-lora/d.toml", *edits)
    assert answer.code == 3
    what, _, hint = answer.three_lines
    assert what.endswith("my-lora/d.toml is a dataset_config, and no training config.")
    assert hint.startswith('Write dataset_config = "d.toml" into a training_config.toml')
    assert not list(other.glob("*.txt"))


@pytest.mark.parametrize("command", ["caption", "apply"])
def test_captions_outside_the_project_come_back_too(
    shell: Shell, project: Write, tmp_path: Path, command: str
) -> None:
    root = project(MIXED.replace("b/x", "../ext/x"))
    (root / "b").rename(tmp_path / "ext")
    captions = [root / "a/x/cat.txt", tmp_path / "ext/x/cat.caption"]
    before = [caption.read_text() for caption in captions]
    if command == "caption":
        answer = shell("dataset", "caption", root, "--prefix", "zz")
    else:
        page = tmp_path / "page.html"
        assert shell("dataset", "preview", root, "--out", page).code == 0
        keys = re.findall(r'data-key="([^"]*/cat\.[^"]*)"', page.read_text(encoding="utf-8"))
        edits = {key: (old, f"zz, {old}") for key, old in zip(keys, before, strict=True)}
        (tmp_path / "captions.json").write_text(saved(page, edits), encoding="utf-8")
        answer = shell("dataset", "apply", "captions.json")
    assert all(caption.read_text().startswith("zz, ") for caption in captions), answer.err
    back = next(line for line in answer.out.splitlines() if "back with: " in line).partition("back with: ")[2]
    there = {path for path in tmp_path.rglob("*") if ".kohya-wrap" not in path.parts}
    subprocess.run(shlex.split(back), cwd=shell.cwd, check=True)
    assert [caption.read_text() for caption in captions] == before
    assert {path for path in tmp_path.rglob("*") if ".kohya-wrap" not in path.parts} == there
