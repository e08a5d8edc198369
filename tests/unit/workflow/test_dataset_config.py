"""A dataset_config of the user's: checked, counted, and given to the engine on a view."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset.view.laid_out import CachedWith
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.errors import ConfigError, DatasetError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import check_dataset, training_view
from tests.unit.workflow.conftest import Prepared

SD15 = 'dataset_config = "data.toml"\nmax_train_epochs = 1\n[kohya_wrap]\nbase = "sd15"\n'
TWO = """
[general]
caption_extension = "caption"
enable_bucket = true

[[datasets]]
resolution = [512, 512]
batch_size = 2

[[datasets.subsets]]
image_dir = "one"
num_repeats = 3

[[datasets.subsets]]
image_dir = "elsewhere/one"
class_tokens = "a dog"

[[datasets]]
resolution = 256

[[datasets.subsets]]
image_dir = "one"
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], None]:
    """Of a project with three images in `one`, one in `elsewhere/one`."""
    root = tmp_path / "my-lora"
    for name in ("one/a.png", "one/b.png", "one/c.png", "elsewhere/one/d.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (len(name), 0, ord(name[-5]))).save(root / name)
        if "one/a" in name:
            (root / name).with_suffix(".caption").write_text("a cat")
    return lambda text: (root / "data.toml").write_text(text, encoding="utf-8") and None


def test_steps_are_counted_from_it(prepared: Prepared, write: Callable[[str], None]) -> None:
    """3 x 3 + 1 images by twos are 5 batches, 3 by ones 3."""
    write(TWO)
    job = prepared("train_batch_size = 1\n" + SD15, gpu="cpu")
    assert job.plan.batches_per_epoch == 5 + 3
    assert (job.images.train.images, job.images.train.captions) == (7, 2)
    assert job.images.train.caption_extension == ".caption"


@pytest.mark.parametrize("more", ["", '[[datasets.subsets]]\nimage_dir = "elsewhere/one"\nis_reg = true\n'])
def test_check_counts_as_run_does(
    prepared: Prepared, write: Callable[[str], None], places: Places, more: str
) -> None:
    write(TWO + more)
    job = prepared(SD15, gpu="cpu")
    request = check_dataset.CheckRequest(job.user.path, "cpu")
    assert check_dataset.run(request, places, {}, lambda *_: None).checked.plan == job.plan


def test_regularisation_is_a_subset_of_its_own(prepared: Prepared, write: Callable[[str], None]) -> None:
    reg = '[[datasets.subsets]]\nimage_dir = "elsewhere/one"\nis_reg = true\n'
    write('[[datasets]]\nbatch_size = 1\n[[datasets.subsets]]\nimage_dir = "one"\n' + reg)
    job = prepared(SD15, gpu="cpu")
    assert job.plan.batches_per_epoch == 3 + 3
    assert job.images.train.images == 3


def test_repeats_and_captions_beside_it_hold_where_it_is_silent(
    prepared: Prepared, write: Callable[[str], None]
) -> None:
    write('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"\n')
    job = prepared('dataset_repeats = 2\nbatch_size = 1\ncaption_extension = ".caption"\n' + SD15, gpu="cpu")
    assert (job.plan.batches_per_epoch, job.images.train.captions) == (6, 1)


def test_what_is_said_in_general_holds_for_each(prepared: Prepared, write: Callable[[str], None]) -> None:
    write('[general]\nbatch_size = 3\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"\n')
    assert prepared("batch_size = 1\n" + SD15, gpu="cpu").plan.batches_per_epoch == 1


def test_the_engine_is_given_the_same_on_a_view(
    prepared: Prepared, write: Callable[[str], None], tmp_path: Path
) -> None:
    write(TWO)
    job = prepared(SD15, gpu="cpu")
    assert job.images.configured is not None
    seen: list[str] = []

    def cached(own: TrainingConfig) -> CachedWith:
        seen.append(own.get("resolution"))
        return CachedWith(own.get("resolution"))

    parts = job.images.configured.parts(job.config, cached)
    run = job.project.runs / "one"
    run.mkdir(parents=True)
    written = run / "dataset_config.json"
    configured = job.images.configured
    with training_view.standing(
        job.project, run, job.config, parts, lambda root: configured.place(root, written)
    ) as on:
        assert (on.config.get("dataset_config"), on.config.get("train_data_dir")) == (str(written), None)
        given = json.loads(written.read_text(encoding="utf-8"))
        assert given["general"] == {"caption_extension": "caption", "enable_bucket": True}
        assert [dataset["resolution"] for dataset in given["datasets"]] == [[512, 512], 256]
        assert {s["caption_extension"] for d in given["datasets"] for s in d["subsets"]} == {".caption"}
        first, second, third = (s for dataset in given["datasets"] for s in dataset["subsets"])
        assert len({first["image_dir"], second["image_dir"], third["image_dir"]}) == 3
        for subset, images in ((first, 3), (second, 1), (third, 3)):
            folder = Path(subset["image_dir"])
            assert folder.name == "one" and folder.is_relative_to(job.project.views / "one")
            assert len(list(folder.glob("*.png"))) == len(list(folder.glob("*.caption"))) == images
        dog = Path(second["image_dir"], "000001.caption")
        assert dog.read_text() == "a dog\n"
    assert seen == ["512,512", "512,512", "256,256"], "each cache is keyed by its own dataset's options"


def test_what_is_wrong_with_it_is_said_all_at_once(prepared: Prepared, write: Callable[[str], None]) -> None:
    write(TWO.replace("num_repeats", "repeats").replace("256", '"256"'))
    with pytest.raises(
        ConfigError, match=r"data\.toml: 2 mistakes, the first: .*`repeats` is unknown"
    ) as raised:
        prepared(SD15, gpu="cpu")
    assert len(raised.value.findings) == 2
    assert "training_config.toml:1" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "two"\n', "my-lora/two is not there"),
        ('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "elsewhere"\n', "no image lies in"),
        ('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"\nis_reg = true\n', "nothing to train on"),
        ("[[datasets]\n", "is not TOML"),
    ],
)
def test_what_would_end_in_no_data_found(
    prepared: Prepared, write: Callable[[str], None], text: str, said: str
) -> None:
    write(text)
    with pytest.raises(ConfigError, match=said):
        prepared(SD15, gpu="cpu")


@pytest.mark.parametrize(("name", "said"), [("data.yaml", "neither .toml nor .json"), ("none.toml", "is not there"), ("data.json", "as JSON")])  # fmt: skip
def test_files_of_another_kind(
    prepared: Prepared, write: Callable[[str], None], tmp_path: Path, name: str, said: str
) -> None:
    write(TWO)
    for other in ("data.yaml", "data.json"):
        (tmp_path / "my-lora" / other).write_text("a: 1")
    with pytest.raises(ConfigError, match=said):
        prepared(SD15.replace("data.toml", name), gpu="cpu")


def test_json(prepared: Prepared, write: Callable[[str], None], tmp_path: Path) -> None:
    data = {"datasets": [{"batch_size": 1, "subsets": [{"image_dir": "one"}]}]}
    (tmp_path / "my-lora" / "data.json").write_text(json.dumps(data))
    job = prepared(SD15.replace("data.toml", "data.json"), gpu="cpu")
    assert job.plan.batches_per_epoch == 3


def test_a_broken_image_in_it(prepared: Prepared, write: Callable[[str], None], tmp_path: Path) -> None:
    write(TWO)
    (tmp_path / "my-lora" / "one" / "x.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"x\.png cannot be read"):
        prepared(SD15, gpu="cpu")


def test_options_that_lose_are_named(prepared: Prepared, write: Callable[[str], None]) -> None:
    write(TWO)
    job = prepared('resolution = 512\ntrain_data_dir = "one"\n' + SD15, gpu="cpu")
    lost = [finding for finding in job.findings if finding.code == "dataset-config-wins"]
    assert sorted(finding.message.split("`")[1] for finding in lost) == ["resolution", "train_data_dir"]


@pytest.mark.parametrize(("text", "cached"), [("", None), ("cache_latents = true\n", True)])
def test_a_cache_that_a_subset_forbids_is_not_made(
    prepared: Prepared, write: Callable[[str], None], text: str, cached: bool | None
) -> None:
    write(TWO.replace("num_repeats = 3", "color_aug = true"))
    job = prepared(text + SD15, gpu="cpu")
    assert (job.config.get("cache_latents") or None) is cached


def test_the_rehearsal_does_not_play_it(prepared: Prepared, write: Callable[[str], None]) -> None:
    write(TWO)
    with pytest.raises(UsageError, match=r"^training_config\.toml:1: the rehearsal does not play"):
        prepared(SD15, gpu="cpu", engine="rehearsal")


AGAIN = """
[[datasets]]
batch_size = 1
[[datasets.subsets]]
image_dir = "one"
[[datasets.subsets]]
image_dir = "elsewhere/one"
[[datasets.subsets]]
image_dir = "one"
num_repeats = 5
"""


def test_a_folder_named_twice_is_counted_and_laid_out_once(
    prepared: Prepared, write: Callable[[str], None], tmp_path: Path
) -> None:
    write(AGAIN)
    job = prepared(SD15, gpu="cpu")
    configured = job.images.configured
    assert configured is not None
    assert (job.plan.batches_per_epoch, job.images.train.images) == (3 + 1, 4)
    said = [finding for finding in job.findings if finding.code == "folder-twice"]
    assert [finding.where for finding in said] == ["data.toml:9"]
    parts = configured.parts(job.config, lambda own: CachedWith())
    assert [part.path for part in parts] == ["1/1", "1/2"]
    configured.place(tmp_path / "view", tmp_path / "given.json")
    (dataset,) = json.loads((tmp_path / "given.json").read_text(encoding="utf-8"))["datasets"]
    assert [subset["image_dir"] for subset in dataset["subsets"]] == [
        str(tmp_path / "view" / path / "one") for path in ("1/1", "1/2")
    ]


def test_regularisation_that_comes_first_takes_the_folder(
    prepared: Prepared, write: Callable[[str], None]
) -> None:
    """The engine ignores the second, which alone would be trained on."""
    text = '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"\nis_reg = true\n'
    write(text + '[[datasets.subsets]]\nimage_dir = "one"\n')
    with pytest.raises(ConfigError, match="nothing to train on"):
        prepared(SD15, gpu="cpu")


def test_a_prefix_that_it_gives_is_the_trigger_in_every_caption(
    prepared: Prepared, write: Callable[[str], None]
) -> None:
    subset = '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"\n'
    for more, lacks in (("", True), ('caption_prefix = "sks"\n', False)):
        write(subset + more)
        job = prepared(SD15 + 'trigger = "sks"\n', gpu="cpu")
        assert ("no-trigger" in {finding.code for finding in job.findings}) is lacks
