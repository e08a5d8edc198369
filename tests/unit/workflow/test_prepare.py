"""Which card, which base and which images a config means."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.engine.reference import Catalogued, OnCivitai, OnHub, Reference
from kohya_wrap.errors import ConfigError, DatasetError, MachineError
from kohya_wrap.places import Places
from kohya_wrap.workflow import check_dataset
from kohya_wrap.workflow.check_dataset import CheckRequest
from tests.unit.workflow.conftest import RTX_3090, T4, Prepared

SD15 = '[kohya_wrap]\nbase = "sd15"\n'
FOR_A_CPU = (
    '[gpu]\npreset = "cpu"\ntrain_batch_size = 2\ngradient_accumulation_steps = 2\nmixed_precision = "no"\n'
)


def test_what_was_made_for_a_cpu_takes_the_card_that_is_here(prepared: Prepared, cards: list[Gpu]) -> None:
    cards += [RTX_3090]
    job = prepared(FOR_A_CPU + SD15)
    assert (job.machine.gpu, job.machine.preset.name) == (RTX_3090, "RTX 3090")
    assert job.config.get("mixed_precision") == "bf16"
    assert "other-card" in [finding.code for finding in job.findings]


def test_what_was_made_for_a_cpu_runs_on_one(prepared: Prepared) -> None:
    job = prepared(FOR_A_CPU + SD15)
    assert (job.machine.gpu, job.machine.preset.name) == (None, "cpu")


def test_a_cpu_that_is_asked_for_is_taken(prepared: Prepared, cards: list[Gpu]) -> None:
    cards += [RTX_3090]
    assert prepared(SD15, gpu="cpu").machine.gpu is None


@pytest.mark.parametrize(
    ("gpu", "said"), [("RTX 4090", "no RTX 4090"), ("24 GB", "no card of 24 GB"), ("auto", "no NVIDIA GPU")]
)
def test_a_card_that_is_not_here_is_named_as_it_was_asked_for(
    prepared: Prepared, gpu: str, said: str
) -> None:
    with pytest.raises(MachineError, match=said):
        prepared(gpu=gpu)


def test_the_real_engine_wants_a_card(prepared: Prepared) -> None:
    with pytest.raises(MachineError, match="no NVIDIA GPU"):
        prepared(SD15)


@pytest.mark.parametrize(
    ("asked", "visible", "chosen"),
    [
        ("auto", None, T4),
        ("auto", "1", RTX_3090),
        ("auto", "GPU-3090", RTX_3090),
        ("RTX 3090", None, RTX_3090),
    ],
)
def test_of_several_cards(
    prepared: Prepared, cards: list[Gpu], asked: str, visible: str | None, chosen: Gpu
) -> None:
    cards += [T4, RTX_3090]
    env = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert prepared(SD15, env=env, gpu=asked).machine.gpu == chosen


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("hf:owner/repo/file.safetensors", OnHub("owner/repo", "file.safetensors", "main")),
        ("civitai:290640", OnCivitai(290640)),
    ],
)
def test_the_config_may_name_a_base_that_is_elsewhere(prepared: Prepared, path: str, base: Reference) -> None:
    text = f'pretrained_model_name_or_path = "{path}"\n'
    job = prepared(text, gpu="cpu")
    assert job.wanted.base == base
    assert "weights" in job.missing


@pytest.mark.parametrize("engine", ["real", "rehearsal"])
@pytest.mark.parametrize(
    "address", ["http://x/y.safetensors", "HTTPS://x/v1-5-pruned.safetensors"]
)  # the second ends in a name of the catalogue
def test_an_address_is_no_base(prepared: Prepared, engine: str, address: str) -> None:
    text = f'pretrained_model_name_or_path = "{address}"\n'
    with pytest.raises(ConfigError, match=r"^training_config\.toml:1: .* is an address") as raised:
        prepared(text, gpu="cpu", engine=engine)
    assert "hf:" in raised.value.hint and "civitai:" in raised.value.hint and "download" in raised.value.hint


def test_a_reference_that_is_not_complete_is_told_at_its_line(prepared: Prepared) -> None:
    with pytest.raises(ConfigError, match=r"^training_config\.toml:1: `hf:x` is not complete"):
        prepared('pretrained_model_name_or_path = "hf:x"\n', gpu="cpu")


@pytest.mark.parametrize("engine", ["real", "rehearsal"])
@pytest.mark.parametrize("path", ["", 'pretrained_model_name_or_path = "./models/v1-5-pruned.safetensors"\n'])
def test_an_unknown_base_is_told_whatever_else_decides(prepared: Prepared, engine: str, path: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^training_config\.toml:{3 if path else 2}: \[kohya_wrap\] base: `sd16`"
    ):
        prepared(path + '[kohya_wrap]\nbase = "sd16"\n', gpu="cpu", engine=engine)


def test_the_guides_missing_file_is_the_catalogues(prepared: Prepared) -> None:
    base = prepared(
        'pretrained_model_name_or_path = "./models/v1-5-pruned.safetensors"', gpu="cpu"
    ).wanted.base
    assert isinstance(base, Catalogued)
    assert (base.base.name, base.file.local_name) == ("sd15", "v1-5-pruned.safetensors")


def test_the_environment_decides_which_images_are_counted(prepared: Prepared, tmp_path: Path) -> None:
    other = tmp_path / "my-lora" / "others" / "3_few" / "a.png"
    other.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(other)
    job = prepared(SD15, gpu="cpu", env={"KOHYA_WRAP_SET_TRAIN_DATA_DIR": "others"})
    assert (job.images.train.images, job.images.train.subsets[0].repeats) == (1, 3)
    assert job.config.get("train_data_dir") == str(tmp_path / "my-lora" / "others")


def test_regularisation_images_are_counted_as_the_engine_shows_them(
    prepared: Prepared, tmp_path: Path
) -> None:
    """Two images ten times each; three others for regularisation come to twenty as well."""
    folder = tmp_path / "my-lora" / "reg" / "2_cat"
    folder.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (64, 128), (number, 0, 0)).save(folder / f"{number}.png")
    text = 'reg_data_dir = "reg"\nbatch_size = 2\nmax_train_epochs = 1\n' + SD15
    job = prepared(text, gpu="cpu")
    assert job.plan.batches_per_epoch == 20
    assert job.images.regular is not None
    assert [image.caption.text for image in job.images.regular.subsets[0].images] == ["cat"] * 3
    assert "no-caption" not in [finding.code for finding in job.findings], (
        "the class tokens are what they are for"
    )


def test_a_folder_for_regularisation_that_is_not_there(prepared: Prepared) -> None:
    with pytest.raises(ConfigError, match=r"toml:1: `reg_data_dir`: .*reg is not here"):
        prepared('reg_data_dir = "reg"\n' + SD15, gpu="cpu")


NOT_CACHED = (
    'enable_bucket = false\ncache_latents = false\ncache_latents_to_disk = false\nresolution = "{}"\n'
)
IN_A_FILE = """[[datasets]]
resolution = 128
[[datasets.subsets]]
image_dir = "training_data/10_concept"
{}
"""


@pytest.mark.parametrize(
    ("options", "unfit"),
    [
        (NOT_CACHED.format("64"), ""),
        (NOT_CACHED.format("128"), "2 of 2 images are not 128x128, "),
        (NOT_CACHED.format("32"), "2 of 2 images are not 32x32, "),
        (NOT_CACHED.format("32") + "random_crop = true\n", ""),
        (NOT_CACHED.format("64") + 'reg_data_dir = "reg"\n', "x.png is 96x64 and not 64x64, "),
        ("enable_bucket = false\ncache_latents = true\n", ""),
        ('bucket_no_upscale = true\nmin_bucket_reso = 64\nresolution = "128"\nbucket_reso_steps = 128\n',
         "2 of 2 images have a side shorter"),
    ],
)  # fmt: skip
def test_sizes_that_the_engine_dies_of(prepared: Prepared, tmp_path: Path, options: str, unfit: str) -> None:
    regular = tmp_path / "my-lora" / "reg" / "1_x" / "x.png"
    regular.parent.mkdir(parents=True)
    Image.new("RGB", (96, 64)).save(regular)
    if not unfit:
        assert prepared(options + SD15, gpu="cpu").plan.steps
        return
    with pytest.raises(DatasetError) as refused:
        prepared(options + SD15, gpu="cpu")
    assert refused.value.message.startswith(unfit) and refused.value.hint


@pytest.mark.parametrize(
    ("of_dataset", "of_subset", "unfit"),
    [
        ("enable_bucket = true\nmin_bucket_reso = 64", "random_crop = true", False),
        ("enable_bucket = false", "random_crop = true", True),  # which forbids the cache that would be taken
        ("enable_bucket = false", "", False),
    ],
)
def test_what_a_dataset_config_says_decides_of_its_own_images(
    prepared: Prepared, places: Places, tmp_path: Path, of_dataset: str, of_subset: str, unfit: bool
) -> None:
    text = IN_A_FILE.format(of_subset).replace("resolution = 128", f"resolution = 128\n{of_dataset}")
    (tmp_path / "my-lora" / "d.toml").write_text(text, encoding="utf-8")
    config = 'dataset_config = "d.toml"\n' + SD15
    if unfit:
        with pytest.raises(DatasetError, match="not 128x128 or larger"):
            prepared(config, gpu="cpu")
    else:
        assert prepared(config, gpu="cpu").plan.steps
    request = CheckRequest(tmp_path / "my-lora" / "training_config.toml", "cpu")
    found = check_dataset.run(request, places, {}, lambda *_: None).findings
    assert ("inexact-size" in [finding.code for finding in found]) is unfit


def test_what_is_said_of_regularisation_images_decides_of_them(
    prepared: Prepared, places: Places, tmp_path: Path
) -> None:
    """In a dataset_config: those that may be cut need not be exact, beside others that are."""
    regular = tmp_path / "my-lora" / "reg" / "x.png"
    regular.parent.mkdir(parents=True)
    Image.new("RGB", (96, 64)).save(regular)
    more = '[[datasets.subsets]]\nimage_dir = "reg"\nis_reg = true\n'
    text = IN_A_FILE.format("").replace("resolution = 128", "resolution = 64\nenable_bucket = false") + more
    file, request = (
        tmp_path / "my-lora" / "d.toml",
        CheckRequest(tmp_path / "my-lora" / "training_config.toml", "cpu"),
    )
    for cut in (True, False):
        file.write_text(text + ("random_crop = true\n" if cut else ""), encoding="utf-8")
        config = 'dataset_config = "d.toml"\n' + ("" if cut else NOT_CACHED.format("64")) + SD15
        if cut:
            assert prepared(config, gpu="cpu").plan.steps
        else:
            with pytest.raises(DatasetError, match=r"x\.png is 96x64 and not 64x64"):
                prepared(config, gpu="cpu")
        found = check_dataset.run(request, places, {}, lambda *_: None).findings
        assert ("inexact-size" in [finding.code for finding in found]) is not cut
