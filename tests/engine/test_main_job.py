"""The main job on the real engine, with real photographs: what the LoRA itself says it was trained on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.engine.conftest import RealEngine, kohya_wrap
from tests.fixtures import photographs

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide_training_config.toml"


def metadata(lora: str) -> dict[str, str]:
    with safe_open(lora, "numpy") as file:
        return dict(file.metadata())


def test_photographs_become_a_lora(real_engine: RealEngine, tmp_path: Path) -> None:
    """init, run: batch, images and captions as the LoRA's own metadata has them."""
    pytest.importorskip("skimage")
    photographs.write(tmp_path / "photos", 8)
    project = tmp_path / "project"
    made = kohya_wrap(
        real_engine, "init", project, "--images", tmp_path / "photos", "--concept", "photos", "--repeats", 1,
        "--base", real_engine.base, "--gpu", "cpu", "--steps", 4, "--trigger", "sks", cwd=tmp_path,
    )  # fmt: skip
    assert made.code == 0, made.words
    config = project / "training_config.toml"
    shrunk = (
        config.read_text()
        .replace('"512,512"', '"128,128"')
        .replace("min_bucket_reso = 256", "min_bucket_reso = 64")
    )
    config.write_text(shrunk)

    ran = kohya_wrap(real_engine, "run", config, "--gpu", "cpu", cwd=tmp_path)

    assert ran.code == 0, ran.words
    said = metadata(ran.data["lora"])
    assert said["ss_batch_size_per_device"] == "2"
    assert said["ss_gradient_accumulation_steps"] == "2"
    assert said["ss_num_train_images"] == "8"
    tags = json.loads(said["ss_tag_frequency"])["1_photos"]
    assert tags["sks"] == 8, "the trigger is in every caption"
    assert tags["a tabby cat looking aside"] == 1
    assert "kohya_wrap_rehearsal" not in said
    log = Path(ran.data["run"], "engine.log").read_text()
    assert re.search(r"caption_extension: \.txt", log)
    assert "No caption file found" not in log
    assert ran.data["steps"] == int(said["ss_steps"]) == int(said["ss_max_train_steps"])


def test_the_guides_config_as_printed(real_engine: RealEngine, tmp_path: Path) -> None:
    """Only the model's path and the resolution are changed, for a CPU: batch 2, captions read, fp16 replaced and said once."""
    pytest.importorskip("skimage")
    photographs.write(tmp_path / "training_data" / "1_concept", 4)
    text = GUIDE.read_text(encoding="utf-8")
    text = text.replace("./models/sd/v1-5-pruned.safetensors", str(real_engine.base)).replace(
        "resolution = 512", "resolution = 256"
    )
    (tmp_path / "training_config.toml").write_text(text, encoding="utf-8")

    ran = kohya_wrap(real_engine, "run", "--gpu", "cpu", cwd=tmp_path)

    assert ran.code == 0, ran.words
    said = metadata(ran.data["lora"])
    assert said["ss_batch_size_per_device"] == "2"
    assert json.loads(said["ss_tag_frequency"])["1_concept"]["skimage photo"] == 4
    assert said["ss_epoch"] == "10"
    assert ran.words.count("a CPU cannot train in fp16") == 1
    assert [Path(path).name for path in ran.data["checkpoints"]] == [
        "my_lora-000002.safetensors", "my_lora-000004.safetensors", "my_lora-000006.safetensors",
        "my_lora-000008.safetensors", "my_lora.safetensors",
    ]  # fmt: skip
