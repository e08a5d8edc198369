"""From a folder of photographs to a LoRA in two commands."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open

from tests.fixtures.shell import Shell


def test_init_then_run(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    words = ("--images", photographs, "--concept", "things", "--trigger", "sks", "--gpu", "RTX 4090")
    assert shell("init", "my-lora", *words, "--steps", "40", "--engine", "rehearsal").code == 0
    answer = shell("run", "my-lora/training_config.toml", "--json")
    assert answer.code == 0
    data = answer.envelope["data"]
    assert data["lora"] == str(tmp_path / "my-lora" / "output" / "things.safetensors")
    assert 30 <= data["steps"] <= 50
    with safe_open(data["lora"], framework="numpy") as file:
        metadata = file.metadata()
        assert any(file.get_tensor(name).any() for name in file.keys() if "lora_up" in name)  # noqa: SIM118
    assert metadata["kohya_wrap_rehearsal"] == "true"
    assert metadata["ss_num_train_images"] == "80"  # 8, ten times an epoch
    assert metadata["ss_total_batch_size"] == "4"
    assert json.loads(metadata["ss_tag_frequency"])["10_things"]["sks"] == 8
