"""LyCORIS out of the box: what the finished file holds, for each kind of network, after two steps of the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open

from tests.engine.conftest import RealEngine, kohya_wrap

CONFIG = """
[model]
pretrained_model_name_or_path = '{base}'
[dataset]
resolution = 64
enable_bucket = false
[training]
max_train_steps = 2
learning_rate = 1e-3
network_module = "lycoris.kohya"
network_dim = 4
network_alpha = 2
network_args = {arguments}
"""


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["algo=loha"], {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "alpha"}),
        (["algo=lokr", "factor=8"], {"lokr_w1", "lokr_w2_a", "lokr_w2_b", "alpha"}),
        (["algo=locon", "conv_dim=2", "dora_wd=True"], {"lora_down", "lora_up", "dora_scale", "alpha"}),
    ],
    ids=["LoHa", "LoKr", "DoRA"],
)
def test_it_trains(real_engine: RealEngine, tmp_path: Path, arguments: list[str], parts: set[str]) -> None:
    data = tmp_path / "training_data" / "1_concept"
    data.mkdir(parents=True)
    for number, shade in enumerate((40, 200)):
        Image.new("RGB", (80, 64), (shade, 90, 255 - shade)).save(data / f"{number}.png")
        (data / f"{number}.txt").write_text("a plain colour\n")
    config = CONFIG.format(base=real_engine.base, arguments=arguments)
    (tmp_path / "training_config.toml").write_text(config, encoding="utf-8")

    ran = kohya_wrap(real_engine, "run", "--gpu", "cpu", cwd=tmp_path)

    assert ran.code == 0, ran.words
    with safe_open(ran.data["lora"], "numpy") as file:
        names, said = list(file.keys()), file.metadata()
    assert {name.split(".")[1] for name in names} == parts
    assert said["ss_network_module"] == "lycoris.kohya" and said["ss_steps"] == "2"
    modules = {name.split(".")[0] for name in names}
    assert any(name.startswith("lora_te_") for name in modules)
    assert any("resnets" in name for name in modules), "the default preset trains convolutions too"
