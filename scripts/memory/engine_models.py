"""The engine's models by their architecture, without weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch


def unet(family: str, half: bool) -> Any:
    """The family's own, in the half type or fp32."""
    with _without_numbers(), default_type(half):
        return _unet(family)


def encoders(family: str, half: bool) -> list[Any]:
    """CLIP text models of the sizes that the family's checkpoints hold."""
    with _without_numbers(), default_type(half):
        return _encoders(family)


def vae(half: bool) -> Any:
    """The one that both families have."""
    with _without_numbers(), default_type(half):
        return _vae()


def _unet(family: str) -> Any:
    if family == "sdxl":
        from library.sdxl_original_unet import SdxlUNet2DConditionModel

        return SdxlUNet2DConditionModel()
    from library import model_util
    from library.original_unet import UNet2DConditionModel

    return UNet2DConditionModel(**model_util.create_unet_diffusers_config(False))


def _encoders(family: str) -> list[Any]:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    def config(width: int, layers: int, heads: int, act: str) -> CLIPTextConfig:
        return CLIPTextConfig(
            vocab_size=49408,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            projection_dim=width,
            hidden_act=act,
        )

    first = CLIPTextModel._from_config(config(768, 12, 12, "quick_gelu"))
    if family != "sdxl":
        return [first]
    return [first, CLIPTextModelWithProjection._from_config(config(1280, 32, 20, "gelu"))]


def _vae() -> Any:
    from diffusers import AutoencoderKL
    from library import model_util

    return AutoencoderKL(**model_util.create_vae_diffusers_config())


@contextlib.contextmanager
def default_type(half: bool) -> Iterator[None]:
    """What is made inside is in bf16, or in fp32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if half else torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _without_numbers() -> Iterator[None]:
    """Weights are not drawn: their sizes are enough."""
    names = [name for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")]
    before = {name: getattr(torch.nn.init, name) for name in names}
    for name in names:
        setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name, call in before.items():
            setattr(torch.nn.init, name, call)
