"""What a training does beside its steps: pictures to latents, and samples: the U-Net without gradients, latents to pictures."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from scripts.memory import cuda_rules, engine_models
from scripts.memory.counting import Counter

KINDS = ("encode", "decode", "sample")


def simulated(
    kind: str, *, width: int, height: int, batch: int, half: bool, family: str = "sd15", card: bool = True
) -> int:
    """Bytes at most above the weights, which stand on the card anyway.

    Args:
        kind: "encode" or "decode" by the VAE (its architecture is the same in both families), or "sample": one pass of the
            U-Net, whose `batch` is twice the pictures' (with and without the prompt).
        half: the VAE's or the U-Net's type.
    """
    if card:
        cuda_rules.install()
    calls: dict[str, Callable[..., object]] = {"encode": _encode, "decode": _decode, "sample": _sample}
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        model = engine_models.unet(family, half) if kind == "sample" else engine_models.vae(half)
        counter = Counter(temporaries=card)
        for tensor in (*model.parameters(), *model.buffers()):
            counter.watch(tensor)
        weights = counter.alive
        with counter:
            calls[kind](model, width, height, batch)
    return counter.most - weights


def _encode(vae, width, height, batch):
    return vae.encode(torch.zeros(batch, 3, height, width, dtype=vae.dtype)).latent_dist.sample()


def _decode(vae, width, height, batch):
    return vae.decode(torch.zeros(batch, 4, height // 8, width // 8, dtype=vae.dtype)).sample


def _sample(unet, width, height, batch):
    unet.set_use_sdpa(True)
    kind = next(unet.parameters()).dtype
    latents, when = (
        torch.zeros(batch, 4, height // 8, width // 8, dtype=kind),
        torch.zeros(batch, dtype=torch.long),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == torch.bfloat16):
        if hasattr(unet, "adm_in_channels"):
            text, size = torch.zeros(batch, 77, 2048, dtype=kind), torch.zeros(batch, 2816, dtype=kind)
            return unet(latents, when, text, size)
        return unet(latents, when, torch.zeros(batch, 77, 768, dtype=kind))
