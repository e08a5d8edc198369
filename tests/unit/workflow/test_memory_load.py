"""What a config makes of a card's memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kohya_wrap.dataset import inventory
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import MOST_STATE, SCRATCH, STATE, Load
from kohya_wrap.workflow import memory_load
from kohya_wrap.workflow.images import Images

Loaded = Callable[..., Load]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """loaded(train_batch_size=2, ...): of four square pictures and one that is wide, each passed twice."""
    folder = tmp_path / "data" / "2_cat"
    folder.mkdir(parents=True)
    for number, size in enumerate([(512, 512)] * 4 + [(768, 512)]):
        Image.new("RGB", size).save(folder / f"{number}.png")
    seen = Images(inventory.take(tmp_path / "data", None))

    def load(**options: Any) -> Load:
        usual = {
            "resolution": "512,512",
            "enable_bucket": True,
            "mixed_precision": "bf16",
            "train_batch_size": 4,
        }
        return memory_load.of(settle([Layer(Origin.FILE, usual | options)]), seen, FamilyName.SD15)

    return load


def test_the_batch_with_the_most_pixels_counts(loaded: Loaded) -> None:
    """Eight passes of the square ones; two of the wide one, which fill no batch of four but one of two."""
    assert (loaded().size, loaded().batch) == ((512, 512), 4)
    assert (loaded(train_batch_size=1).size, loaded(train_batch_size=1).batch) == ((512, 512), 1)
    assert loaded(train_batch_size=64).batch == 8, "no more than there are"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, {"precision": "half", "attention": "none", "encoders": "trained", "texts": 1, "checkpointed": False}),
        ({"mixed_precision": "no"}, {"precision": "single", "vae_half": False}),
        ({"full_bf16": True}, {"precision": "full_half"}),
        ({"full_fp16": True}, {"precision": "full_half"}),
        ({"fp8_base": True}, {"precision": "fp8"}),
        ({"fp8_base_unet": True}, {"precision": "fp8"}),
        ({"sdpa": True}, {"attention": "sdpa"}),
        ({"xformers": True}, {"attention": "sdpa"}),
        ({"network_train_unet_only": True}, {"encoders": "on card"}),
        ({"network_train_unet_only": True, "cache_text_encoder_outputs": True}, {"encoders": "cached"}),
        ({"network_train_unet_only": True, "cache_text_encoder_outputs_to_disk": True}, {"encoders": "cached"}),
        ({"max_token_length": 225}, {"texts": 3}),
        ({"max_token_length": 150}, {"texts": 2}),
        ({"gradient_checkpointing": True}, {"checkpointed": True}),
        ({"gradient_accumulation_steps": 2}, {"accumulated": True}),
        ({"cache_latents": True}, {"latents_cached": True}),
        ({"cache_latents_to_disk": True}, {"latents_cached": True}),
        ({}, {"latents_cached": False, "vae_half": True, "accumulated": False, "samples": None}),
        ({"no_half_vae": True}, {"vae_half": False}),
        ({"network_dim": 16}, {"network_dim": 16}),
        ({}, {"network_dim": 4, "conv_dim": 0}),
        ({"network_args": ["conv_dim=8"]}, {"conv_dim": 8}),
        ({"optimizer_type": "Prodigy"}, {"state": 16.0, "scratch": 0.0}),
        ({"optimizer_type": "AdamW"}, {"state": STATE["adamw"], "scratch": SCRATCH["adamw"]}),
        ({"use_8bit_adam": True}, {"state": STATE["adamw8bit"]}),
        ({"optimizer_type": "Nobody.Knows"}, {"state": MOST_STATE}),
        ({"sample_prompts": "a.txt", "sample_every_n_epochs": 1, "resolution": "768,512"}, {"samples": (768, 512)}),
        ({"sample_prompts": "a.txt"}, {"samples": None}),
    ],
    ids=str,
)  # fmt: skip
def test_of_each_option(loaded: Loaded, options: dict[str, Any], told: dict[str, Any]) -> None:
    found = loaded(**options)
    assert {name: getattr(found, name) for name in told} == told
