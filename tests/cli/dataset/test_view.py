"""`kohya-wrap dataset view`, and what a run on the rehearsal engine is given."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import toml
from PIL import Image
from safetensors import safe_open

from tests.fixtures.shell import Shell, until

REHEARSAL = ("--engine", "rehearsal")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two pictures, one of them turned by its EXIF orientation, whose caption has a byte order mark."""
    folder = tmp_path / "my-lora" / "training_data" / "10_concept"
    folder.mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(folder / "a.png")
    turned = Image.new("RGB", (128, 64), "blue")
    turned.getexif()[0x0112] = 6
    turned.save(folder / "b.jpg", exif=turned.getexif())
    (folder / "b.txt").write_text("\ufeffsks, b\nmore", encoding="utf-8")
    config = tmp_path / "my-lora" / "training_config.toml"
    more = 'resolution = "128,128"\nmin_bucket_reso = 64\nmax_train_steps = 4\n[kohya_wrap]\nbase = "sd15"\n'
    config.write_text("enable_bucket = true\n" + more, encoding="utf-8")
    return config


def test_tells_what_stands_for_what(shell: Shell, project: Path) -> None:
    folder = project.parent / "training_data" / "10_concept"
    answer = shell("dataset", "view", project, "--json")
    assert answer.code == 0
    data = answer.envelope["data"]
    assert (answer.envelope["command"], data["converted"]) == ("dataset view", 1)
    first, second = data["images"]
    assert first == {
        "of": "train_data_dir", "view": "10_concept/000001.png", "source": str(folder / "a.png"),
        "converted": [], "caption_file": None, "caption": "concept",
    }  # fmt: skip
    assert (second["view"], second["source"]) == ("10_concept/000002.png", str(folder / "b.jpg"))
    assert second["converted"] == ["turned by its EXIF orientation, which the engine ignores"]
    assert (second["caption_file"], second["caption"]) == (str(folder / "b.txt"), "sks, b")
    assert [finding["code"] for finding in answer.envelope["findings"]] == ["no-caption"]
    assert not (project.parent / ".kohya-wrap").exists(), "it only looks"


def test_in_words(shell: Shell, project: Path) -> None:
    out = shell("dataset", "view", project).out
    assert f"10_concept/000002.png  <-  {project.parent}/training_data/10_concept/b.jpg" in out
    assert "converted: turned by its EXIF orientation" in out
    assert "2 images, 1 of them as a converted copy" in out


@pytest.mark.parametrize(
    ("named", "without"), [("my-lora", "concept"), ("my-lora/training_data", "concept"), ("loose", "")]
)
def test_of_a_folder(shell: Shell, project: Path, named: str, without: str) -> None:
    shutil.copytree(project.parent / "training_data" / "10_concept", shell.cwd / "loose")
    if named != "my-lora":
        project.unlink()
    answer = shell("dataset", "view", named, "--json")
    assert [image["caption"] for image in answer.envelope["data"]["images"]] == [without, "sks, b"]


def test_a_new_line_in_a_name_is_no_new_line(shell: Shell, project: Path) -> None:
    picture = project.parent / "training_data" / "10_concept" / "a.png"
    picture.rename(picture.with_name("a\nb.png"))
    assert f"  <-  {picture.parent}/a\\nb.png\n" in shell("dataset", "view", project).out


def test_of_a_config_that_is_wrong(shell: Shell, project: Path) -> None:
    answer = shell("dataset", "view", project, "--set", "train_data_dir=7", "--set", "alpha_maks=true")
    assert answer.code == 3
    assert "alpha_maks" in answer.three_lines[0]


TWO = """
[[datasets]]
resolution = 128
{between}
[[datasets.subsets]]
image_dir = "training_data/10_concept"
class_tokens = "sks"
[[datasets.subsets]]
image_dir = "faces"
is_reg = true
class_tokens = "a face"
"""


@pytest.fixture
def configured(project: Path) -> Path:
    """The same pictures and another to regularise, named by a dataset_config."""
    (project.parent / "faces").mkdir()
    Image.new("RGB", (64, 64), "green").save(project.parent / "faces" / "c.png")
    (project.parent / "d.toml").write_text(TWO.format(between="batch_size = 2"), encoding="utf-8")
    text = project.read_text(encoding="utf-8")
    project.write_text('dataset_config = "d.toml"\n' + text, encoding="utf-8")
    return project


def test_of_a_dataset_config(shell: Shell, configured: Path) -> None:
    images = shell("dataset", "view", configured, "--json").envelope["data"]["images"]
    assert [(one["of"], one["view"], one["caption"]) for one in images] == [
        ("1/1", "10_concept/000001.png", "sks"),
        ("1/1", "10_concept/000002.png", "sks, b"),
        ("1/2", "faces/000001.png", "a face"),
    ]


def test_a_dataset_config_is_checked_as_the_folders_are(shell: Shell, configured: Path) -> None:
    data = shell("dataset", "check", configured, "--json").envelope["data"]
    assert [Path(one["path"]).name for one in data["images"]] == ["a.png", "b.jpg"]
    # Two of them and the one face, which the engine repeats: (128, 128) twice or thrice, (64, 192) once.
    assert (data["batch"], data["batches_per_epoch"]) == (2, 3)
    page = shell("dataset", "preview", configured, "--json")
    assert (page.code, page.envelope["data"]["images"]) == (0, 2)


def test_a_run_is_on_the_view_and_leaves_none(shell: Shell, project: Path) -> None:
    """The picture that is turned is counted as it is seen, by the plan and by the engine."""
    answer = shell("run", project, *REHEARSAL)
    assert (answer.code, answer.err) == (0, "")
    (run,) = (project.parent / ".kohya-wrap" / "runs").glob("2*")
    given = toml.load(run / "engine_config.toml")
    views = project.parent / ".kohya-wrap" / "views"
    assert given["train_data_dir"] == str(views / run.name / "train")
    log = (run / "engine.log").read_text(encoding="utf-8")
    assert "resolution (64, 192), count: 10" in log and "resolution (128, 128), count: 10" in log
    assert sorted(path.name for path in views.iterdir()) == [".store.lock", "store"]
    with safe_open(project.parent / "output" / "my-lora.safetensors", framework="numpy") as file:
        said = file.metadata()
    assert json.loads(said["ss_tag_frequency"]) == {"10_concept": {"concept": 1, "sks": 1, "b": 1}}


def test_a_killed_run_s_view_stays_as_long_as_its_trainer_lives(shell: Shell, project: Path) -> None:
    views = project.parent / ".kohya-wrap" / "views"
    with shell.start("run", project, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@2") as first:
        until(first, "engine started")
        while len(family := psutil.Process(first.pid).children(recursive=True)) < 2:  # launcher and trainer
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    (left,) = views.glob("[!.s]*")
    try:
        assert shell("run", project, *REHEARSAL, "--set", "output_name=other").code == 0
        assert (left / "train" / "10_concept" / "000002.png").exists()
    finally:
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=5)
    assert shell("run", project, *REHEARSAL).code == 0
    assert not left.exists()
    assert sorted(path.name for path in views.iterdir()) == [".store.lock", "store"]


def test_killed_at_any_moment(shell: Shell, project: Path) -> None:
    """While the view is laid out, used or cleared: the next run is as if nothing had been."""
    config = project.read_text(encoding="utf-8")
    for number in range(12):
        with shell.start("run", project, *REHEARSAL, "--set", f"output_name=k{number}") as child:
            try:
                child.wait(0.25 + number * 0.07)
            except subprocess.TimeoutExpired:
                family = psutil.Process(child.pid).children(recursive=True)
                child.kill()
                for process in family:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                psutil.wait_procs(family, timeout=5)
    answer = shell("run", project, *REHEARSAL)
    assert (answer.code, answer.err) == (0, "")
    views = project.parent / ".kohya-wrap" / "views"
    assert sorted(path.name for path in views.iterdir()) == [".store.lock", "store"]
    assert project.read_text(encoding="utf-8") == config
