"""Files that a config names: a warning where it is checked, an error where it is to be trained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.engine import install
from kohya_wrap.engine.install import Environment
from kohya_wrap.errors import ConfigError
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective
from kohya_wrap.workflow.effective import ConfigRequest
from tests.fixtures import weight_files
from tests.unit.workflow.conftest import Prepared

SD15, SDXL = '[kohya_wrap]\nbase = "sd15"\n', '[kohya_wrap]\nbase = "sdxl"\n'
STATE = 'initial_step = 5\nresume = "output/x-000001-state"'
LYCORIS = 'network_module = "lycoris.kohya"\nnetwork_args = ["preset=/nowhere/my.toml"]'

NAMED = [
    ('network_weights = "old.safetensors"', "network_weights", 1),
    ('base_weights = ["old.safetensors"]', "base_weights", 1),
    ('vae = "models/some_vae.safetensors"', "vae", 1),
    ('reg_data_dir = "reg"', "reg_data_dir", 1),
    ('log_tracker_config = "tracker.toml"', "log_tracker_config", 1),
    (STATE, "resume", 2),
    (LYCORIS, "network_args", 2),
]


@pytest.mark.parametrize(("text", "option", "line"), NAMED)
def test_a_missing_file_is_a_warning_where_the_config_is_checked(
    tmp_path: Path, places: Places, cards: list[Gpu], text: str, option: str, line: int
) -> None:
    config = tmp_path / "training_config.toml"
    config.write_text(f"{text}\n{SD15}", encoding="utf-8")
    found = effective.of(ConfigRequest(config), places, {}).findings
    (missing,) = [f for f in found if f.code == "file-missing"]
    assert (missing.level, missing.where) == (Level.WARNING, f"training_config.toml:{line}")
    assert missing.message.startswith(f"`{option}`: ") and missing.hint


@pytest.mark.parametrize(("text", "option", "line"), NAMED)
def test_and_an_error_where_it_is_to_be_trained(
    prepared: Prepared, text: str, option: str, line: int
) -> None:
    with pytest.raises(ConfigError, match=rf"training_config.toml:{line}: `{option}`: .* is not here"):
        prepared(f"{text}\n{SD15}", gpu="cpu")


def test_with_a_base_whose_family_is_not_known_yet_too(prepared: Prepared) -> None:
    base = 'pretrained_model_name_or_path = "civitai:7"\n'
    with pytest.raises(ConfigError, match="network_weights"):
        prepared(base + 'network_weights = "old.safetensors"', gpu="cpu")


def test_the_rehearsal_reads_none_of_them(prepared: Prepared) -> None:
    assert prepared(f'network_weights = "old.safetensors"\n{SD15}', engine="rehearsal")


def test_what_is_here_is_not_missing(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "my-lora").mkdir(exist_ok=True)
    lora = tmp_path / "my-lora" / "old.safetensors"
    lora.write_bytes(weight_files.safetensors({"lora_unet_a.alpha": (1,)}))
    assert prepared(f'network_weights = "old.safetensors"\n{SD15}', gpu="cpu")
    lora.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"is not a whole \.safetensors file"):
        prepared(f'network_weights = "old.safetensors"\n{SD15}', gpu="cpu")


def test_the_vae_that_comes_with_the_base(prepared: Prepared) -> None:
    assert prepared(f'vae = "./models/sdxl_vae.safetensors"\n{SDXL}', gpu="cpu")
    with pytest.raises(ConfigError, match="vae"):
        prepared(f'vae = "./models/sdxl_vae.safetensors"\n{SD15}', gpu="cpu")


def test_it_is_not_missed_where_the_config_is_checked(
    tmp_path: Path, places: Places, cards: list[Gpu]
) -> None:
    config = tmp_path / "training_config.toml"
    config.write_text(f'vae = "./models/sdxl_vae.safetensors"\n{SDXL}', encoding="utf-8")
    codes = [f.code for f in effective.of(ConfigRequest(config), places, {}).findings]
    assert "file-missing" not in codes


@pytest.mark.parametrize("value", ["5", "[1]", "true"])
def test_arguments_that_are_none_are_said_once_and_hide_nothing(
    tmp_path: Path, places: Places, cards: list[Gpu], value: str
) -> None:
    config = tmp_path / "training_config.toml"
    text = f'network_module = "lycoris.kohya"\nnetwork_args = {value}\nnetwork_weights = "x"\n{SD15}'
    config.write_text(text, encoding="utf-8")
    found = effective.of(ConfigRequest(config), places, {}).findings
    assert [f.code for f in found if f.level is not Level.NOTE] == ["file-missing", "wrong-value"]


def test_one_mistake_is_said_once(tmp_path: Path, places: Places, cards: list[Gpu]) -> None:
    config = tmp_path / "training_config.toml"
    config.write_text(f'network_weights = "$HOME/x"\nvae = 3\nbase_weights = ["http://x/y"]\n{SD15}')
    errors = [f for f in effective.of(ConfigRequest(config), places, {}).findings if f.level is Level.ERROR]
    assert [f.code for f in errors] == ["variable-in-path", "wrong-value", "address"]
    found = effective.of(ConfigRequest(config), places, {}).findings
    assert "file-missing" not in [f.code for f in found]


@pytest.mark.parametrize(
    ("python", "reuse_torch", "told"),
    [
        (None, False, True),
        (None, True, False),  # it may be in what will be taken over
        ("without", False, True),
        ("with", False, False),
    ],
)
def test_wandb_is_looked_for_in_the_environment(
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    python: str | None,
    reuse_torch: bool,
    told: bool,
) -> None:
    monkeypatch.setattr(install, "find", lambda *_: python and Environment(interpreter(tmp_path, python)))
    said: tuple[Finding, ...] = ()
    try:
        prepared(f'log_with = "wandb"\n{SD15}', gpu="cpu", reuse_torch=reuse_torch)
    except ConfigError as error:
        said = error.findings
    assert ("no-wandb" in [f.code for f in said if f.level is Level.ERROR]) is told


def interpreter(folder: Path, kind: str) -> Path:
    """A Python that has wandb, or has not."""
    script = folder / f"python-{kind}"
    script.write_text(f"#!{sys.executable}\nraise SystemExit({int(kind == 'without')})\n")
    script.chmod(0o755)
    return script


def found_in(folder: Path, places: Places, text: str) -> list[Finding]:
    config = folder / "training_config.toml"
    config.write_text(f"{text}\n{SD15}", encoding="utf-8")
    return [f for f in effective.of(ConfigRequest(config), places, {}).findings if f.code != "filled"]


def state(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("names", "lacks"),
    [
        ((), "model.safetensors"),
        (("train_state.json", "optimizer.bin"), "model.safetensors"),
        (("train_state.json", "model.safetensors"), "optimizer.bin"),
    ],
)
def test_a_folder_that_is_no_state(
    tmp_path: Path, places: Places, prepared: Prepared, names: tuple[str, ...], lacks: str
) -> None:
    folder = state(tmp_path / "state", *names)
    text = f'initial_step = 5\nresume = "{folder}"'
    (said,) = [f for f in found_in(tmp_path, places, text) if f.code == "no-state"]
    assert (said.level, said.where) == (Level.WARNING, "training_config.toml:2")
    assert said.message.endswith(f"it holds no {lacks}.")
    with pytest.raises(ConfigError, match="no state of a training"):
        prepared(f"{text}\n{SD15}", gpu="cpu")


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_state_as_the_engine_writes_it(tmp_path: Path, prepared: Prepared, weights: str) -> None:
    folder = state(tmp_path / "state", weights, "optimizer.bin")
    assert prepared(f'initial_step = 5\nresume = "{folder}"\n{SD15}', gpu="cpu")


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ((), "pictures is not there, and `run` needs images."),
        (("pictures/a.png",), "(there: a.png), and `run` needs images."),
        (("pictures/cat/a.png",), "(there: cat), and `run` needs images."),
        (("pictures/10_cat/a.txt",), "pictures, and `run` needs images."),
    ],
)
def test_images_that_run_would_not_find(
    tmp_path: Path, places: Places, cards: list[Gpu], there: tuple[str, ...], said: str
) -> None:
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (found,) = [f for f in found_in(tmp_path, places, 'train_data_dir = "pictures"') if f.code == "images"]
    assert (found.level, found.where) == (Level.WARNING, "training_config.toml:1")
    assert found.message.endswith(said) and found.hint


def test_images_by_their_names_alone(tmp_path: Path, places: Places, cards: list[Gpu]) -> None:
    for text in ("", 'train_data_dir = "./training_data"'):  # still to be filled
        assert [f.level for f in found_in(tmp_path, places, text) if f.code == "images"] == [Level.NOTE]
    (tmp_path / "training_data" / "cat").mkdir(parents=True)
    assert [f.level for f in found_in(tmp_path, places, "") if f.code == "images"] == [Level.WARNING]
    picture = tmp_path / "training_data" / "10_cat" / "a.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"no picture")
    assert "images" not in [f.code for f in found_in(tmp_path, places, "")]


@pytest.mark.parametrize("option", ["output_dir", "logging_dir"])
@pytest.mark.parametrize(("path", "told"), [("file", True), ("file/below", True), ("folder", False)])
def test_a_file_where_a_folder_is_needed(
    tmp_path: Path, places: Places, cards: list[Gpu], option: str, path: str, told: bool
) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = found_in(tmp_path, places, f'{option} = "{path}"')
    assert [f.where for f in found if f.code == "not-a-folder"] == ["training_config.toml:1"] * told


def test_a_path_of_windows_is_called_so(tmp_path: Path, places: Places, cards: list[Gpu]) -> None:
    (found,) = [f for f in found_in(tmp_path, places, "vae = 'C:\\models\\v.pt'") if f.code == "file-missing"]
    assert found.message.startswith("`vae`: C:\\models\\v.pt, a path of Windows, is not here")


def test_a_path_over_a_folder_that_is_not_there(tmp_path: Path, places: Places, cards: list[Gpu]) -> None:
    (tmp_path / "v.pt").write_bytes(b"")
    assert "file-missing" not in [f.code for f in found_in(tmp_path, places, 'vae = "nowhere/../v.pt"')]


def test_and_over_a_link_it_leads_where_the_link_does(
    tmp_path: Path, places: Places, cards: list[Gpu]
) -> None:
    (tmp_path / "far" / "in").mkdir(parents=True)
    (tmp_path / "far" / "v.pt").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "in")
    assert "file-missing" not in [f.code for f in found_in(tmp_path, places, 'vae = "link/../v.pt"')]


@pytest.mark.parametrize(
    ("dim", "more", "refused"),
    [(8, "", False), (16, "", True), (16, "dim_from_weights = true\n", False)],
)
def test_a_lora_to_train_on_from_must_fit(
    prepared: Prepared, tmp_path: Path, dim: int, more: str, refused: bool
) -> None:
    lora = weight_files.safetensors(
        {"lora_unet_a.lora_down.weight": (8, 320), "lora_unet_a.lora_up.weight": (320, 8)}
    )
    (tmp_path / "old.safetensors").write_bytes(lora)
    text = f'network_weights = "{tmp_path / "old.safetensors"}"\nnetwork_dim = {dim}\n{more}{SD15}'
    if not refused:
        prepared(text, gpu="cpu")
        return
    with pytest.raises(ConfigError, match=r"old.safetensors has rank 8, and network_dim is 16") as raised:
        prepared(text, gpu="cpu")
    assert "network_dim = 8" in raised.value.hint


@pytest.mark.parametrize(
    ("data", "level", "words"),
    [
        (
            '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "here"\nnum_repeat = 3\n',
            Level.ERROR,
            "num_repeat",
        ),
        ('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "nowhere"\n', Level.WARNING, "nowhere"),
        ("[[datasets\n", Level.ERROR, "data.toml"),
        (None, Level.WARNING, "data.toml is not here"),
    ],
)
def test_a_dataset_config_is_looked_into_where_the_config_is_checked(
    tmp_path: Path, places: Places, cards: list[Gpu], data: str | None, level: Level, words: str
) -> None:
    (tmp_path / "here").mkdir()
    config = tmp_path / "training_config.toml"
    config.write_text(f'dataset_config = "data.toml"\n{SD15}', encoding="utf-8")
    if data is not None:
        (tmp_path / "data.toml").write_text(data, encoding="utf-8")
    found = effective.of(ConfigRequest(config), places, {}).findings
    assert [f.level for f in found if words in f.message] == [level]


def test_a_mistake_in_a_dataset_config_has_the_line_of_its_section(
    tmp_path: Path, places: Places, cards: list[Gpu]
) -> None:
    config = tmp_path / "training_config.toml"
    config.write_text(f'dataset_config = "data.toml"\n{SD15}', encoding="utf-8")
    subset = '[[datasets.subsets]]\nimage_dir = "here"\n'
    data = f"[general]\ncolour = 1\n[[datasets]]\n{subset}[[datasets]]\n{subset}\n{subset}num_repeat = 3\n"
    (tmp_path / "data.toml").write_text(data, encoding="utf-8")
    found = effective.of(ConfigRequest(config), places, {}).findings
    assert [f.where for f in found if f.code == "dataset-config"] == ["data.toml:1", "data.toml:10"]
