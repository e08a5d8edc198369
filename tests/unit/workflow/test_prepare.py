"""Which card, which base and which images a config means."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.engine.reference import Catalogued, OnCivitai, OnHub, Reference
from kohya_wrap.errors import ConfigError, MachineError
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
