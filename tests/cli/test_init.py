"""`kohya-wrap init`: what stands afterwards, and what is left alone."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import toml

from kohya_wrap.places import Places
from tests.fixtures import weight_files
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.shell import Shell, until
from tests.fixtures.small_engine import SmallEngine

REHEARSAL = ("--engine", "rehearsal")


def config(project: Path) -> dict[str, Any]:
    return toml.load(project / "training_config.toml")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lays_out_the_images_and_leaves_the_source_alone(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    before = tree(photographs)
    answer = shell("init", "my-lora", "--images", photographs, "--concept", "mycat", *REHEARSAL)
    assert (answer.code, answer.err) == (0, "")
    built = tmp_path / "my-lora" / "training_data" / "10_mycat"
    assert len(list(built.glob("*.txt"))) == 8
    pictures = [path for path in built.iterdir() if path.suffix != ".txt"]
    assert len(pictures) == 8
    for picture in pictures:
        assert picture.samefile(photographs / picture.name)  # a hard link: no second copy on disk
    assert tree(photographs) == before
    assert answer.out.splitlines()[-1] == "Ready. Next: kohya-wrap run my-lora/training_config.toml"


def test_writes_the_trigger_into_captions_that_lack_it(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    answer = shell("init", "--images", photographs, "--trigger", "sks cat", *REHEARSAL)
    assert "trigger written into 8" in answer.out
    captions = list((tmp_path / "training_data").rglob("*.txt"))
    assert len(captions) == 8
    assert all(path.read_text(encoding="utf-8").startswith("sks cat, skimage photo, ") for path in captions)


def test_a_second_time_keeps_everything(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    words = ("init", "my-lora", "--images", photographs, *REHEARSAL)
    assert shell(*words).code == 0
    file = tmp_path / "my-lora" / "training_config.toml"
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = tree(tmp_path / "my-lora")
    answer = shell(*words, "--gpu", "cpu", "--steps", "7", "--json")
    assert answer.code == 0
    assert answer.envelope["data"]["config_kept"] is True
    assert tree(tmp_path / "my-lora") == before


def test_a_concept_is_not_another_whose_name_ends_alike(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    black = tmp_path / "training_data" / "10_black_cat"
    black.mkdir(parents=True)
    (black / "note.txt").write_text("mine", encoding="utf-8")
    assert shell("init", "--images", photographs, "--concept", "cat", *REHEARSAL).code == 0
    assert len(list((tmp_path / "training_data" / "10_cat").glob("*.txt"))) == 8
    assert list(tree(black)) == ["note.txt"]


@pytest.mark.parametrize(
    ("card", "base", "expected"),
    [
        ("RTX 4090", "sd15", {"train_batch_size": 4, "mixed_precision": "bf16"}),
        ("rtx3090", "sdxl", {"train_batch_size": 1, "gradient_checkpointing": True}),
        ("A100", "sd15", {"train_batch_size": 4}),
        ("cpu", "sd15", {"train_batch_size": 2, "gradient_accumulation_steps": 2}),
    ],
)
def test_the_config_says_what_the_cards_preset_says(
    shell: Shell, tmp_path: Path, card: str, base: str, expected: dict[str, Any]
) -> None:
    assert shell("init", "--gpu", card, "--base", base, *REHEARSAL).code == 0
    written = config(tmp_path)["gpu"]
    assert {name: written[name] for name in expected} == expected


def test_sdxl_gets_options_and_vae_of_its_own(shell: Shell, tmp_path: Path) -> None:
    assert shell("init", "--base", "sdxl", *REHEARSAL).code == 0
    written = config(tmp_path)
    assert written["dataset"]["resolution"] == "1024,1024"
    assert written["model"]["pretrained_model_name_or_path"] == "./models/sd_xl_base_1.0.safetensors"
    assert written["model"]["vae"] == "./models/sdxl_vae.safetensors"
    assert written["training"]["network_train_unet_only"] is True


@pytest.mark.parametrize("card", ["auto", "RTX 4090"])
def test_without_the_gpu_it_prepares_and_downloads_nothing(
    small: Shell, engine: SmallEngine, places: Places, tmp_path: Path, photographs: Path, card: str
) -> None:
    with LoopbackHub() as hub:
        answer = small("init", "my-lora", "--gpu", card, "--images", photographs, **hub.env)
        assert hub.asked == []
    assert (answer.code, answer.err) == (0, "")
    assert not engine.source(places).exists()
    assert not places.weights.exists()
    assert config(tmp_path / "my-lora")["gpu"]["preset"] == "RTX 4090"
    assert "nothing was downloaded" in answer.out
    assert "--full" in answer.out
    assert "kohya-wrap run my-lora/training_config.toml --gpu cpu" in answer.out


def test_full_fetches_for_a_card_that_is_elsewhere(small: Shell, engine: SmallEngine, places: Places) -> None:
    with LoopbackHub() as hub:
        hub.put("owner/repo", "base.safetensors", weight_files.safetensors(weight_files.SD15))
        base = "hf:owner/repo/base.safetensors"
        answer = small("init", "--gpu", "RTX 4090", "--full", "--base", base, **hub.env)
    assert (answer.code, answer.err) == (0, "")
    assert engine.is_complete(places)
    assert (small.cwd / "models" / "base.safetensors").is_file()
    assert "Licence of the base, which your LoRA inherits: as its page says" in answer.out


def test_says_where_the_images_go_when_it_was_given_none(shell: Shell) -> None:
    answer = shell("init", "my lora", "--concept", "mycat", *REHEARSAL)
    images, then = answer.out.splitlines()[-2:]
    assert images == "Put your images and captions (a.png with a.txt) into 'my lora/training_data/10_mycat'."
    assert then == "Then: kohya-wrap run 'my lora/training_config.toml'"


def test_options_can_stand_in_the_environment(shell: Shell, tmp_path: Path) -> None:
    variables = {"KOHYA_WRAP_INIT_GPU": "RTX 3090", "KOHYA_WRAP_INIT_ENGINE": "rehearsal"}
    assert shell("init", **variables).code == 0
    assert config(tmp_path)["gpu"]["preset"] == "RTX 3090"
    assert config(tmp_path)["kohya_wrap"]["engine"] == "rehearsal"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_a_signal_ends_it_at_once_also_in_a_download_that_hangs(
    small: Shell, number: signal.Signals, code: int
) -> None:
    with LoopbackHub(stall_after=1) as hub:
        hub.put("owner/repo", "base.safetensors", bytes(10**6))
        base = "hf:owner/repo/base.safetensors"
        with small.start("init", "--gpu", "cpu", "--base", base, **hub.env) as child:
            until(child, "✓ tokenizers")
            child.send_signal(number)
            _, err = child.communicate(timeout=3)
    assert child.returncode == code
    what, _, hint = err.strip().splitlines()  # click leaves the line on which ^C stands
    assert what.startswith("error: ")
    assert hint == "  try: The same command again goes on where it was."
