"""The models in miniature: fixed stand-ins for VAE and text encoder, a linear denoiser, LoRA on it, AdamW."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from kohya_wrap.rehearsal import played
from kohya_wrap.rehearsal.console import log
from kohya_wrap.rehearsal.options import Options

Array = NDArray[np.float32]

_LATENT, _TEXT = 4 * 8 * 8, 64
_SIDE = 16  # pixels of the thumbnail that is encoded
_GAIN = 3.0  # what the adapters see is this much larger: usual rates then show within the steps of a demo
_BETAS = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2  # Stable Diffusion's scaled_linear schedule
_ALPHA_BARS = np.cumprod(1 - _BETAS).astype(np.float32)
_TITLES = {"adamw": "torch.optim.adamw.AdamW", "adamw8bit": "bitsandbytes.optim.adamw.AdamW8bit"}
_FOUND_RATE = 1e-4  # about what Prodigy and its like find for themselves
_BETA1, _BETA2, _EPSILON, _DECAY = 0.9, 0.999, 1e-8, 0.01


def _random(seed: int, outputs: int, inputs: int, size: float) -> Array:
    values = np.random.default_rng(seed).standard_normal((outputs, inputs))
    return np.asarray(values * size / inputs**0.5, np.float32)


_PROJECTION = _random(0, _LATENT, 3 * _SIDE * _SIDE, 2)  # the VAE
# The frozen weights pass the noise on, as a denoiser that has never seen these images.
_WEIGHT = np.eye(_LATENT, dtype=np.float32) + _random(1, _LATENT, _LATENT, 0.2)
_TEXT_WEIGHT = _random(2, _LATENT, _TEXT, 0.1)


@dataclass(frozen=True)
class Family:
    """What the two entry scripts differ in; a few of the modules that networks.lora finds, by their names."""

    version: str  # ss_base_model_version
    architecture: str  # modelspec.architecture
    bucket_multiple: int  # bucket_reso_steps must be a multiple of this
    modules: tuple[str, ...]


SD15 = Family(
    "sd_v1", "stable-diffusion-v1/lora", 64,
    ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", "lora_te_text_model_encoder_layers_11_mlp_fc1",
     "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v",
     "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn2_to_k"),
)  # fmt: skip
SDXL = Family(
    "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/lora", 32,
    ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj", "lora_te2_text_model_encoder_layers_31_mlp_fc1",
     "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_v",
     "lora_unet_output_blocks_5_1_transformer_blocks_0_attn2_to_k"),
)  # fmt: skip


class Network:
    """Adapters that add alpha / rank * up @ down: the text encoder's see the caption, the U-Net's the latent.

    Attributes:
        parameters: what is trained, to be changed in place, by the names it has in a LoRA file.
    """

    def __init__(self, args: Options, family: Family, rng: np.random.Generator) -> None:
        rank, self._alpha = args.network_dim, args.network_alpha or args.network_dim
        self._scale = self._alpha / rank
        self.adapters: dict[str, tuple[Array, Array]] = {}
        self.parameters: dict[str, Array] = {}
        for name in family.modules:
            text = name.startswith("lora_te")
            if args.network_train_unet_only if text else args.network_train_text_encoder_only:
                continue
            inputs = _TEXT if text else _LATENT
            down = rng.uniform(-1, 1, (rank, inputs)).astype(np.float32) / np.float32(inputs**0.5)
            up = np.zeros((_LATENT, rank), np.float32)
            self.adapters[name] = down, up
            self.parameters |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}

    def loss(self, latents: Array, text: Array, rng: np.random.Generator) -> tuple[float, dict[str, Array]]:
        """The squared error in predicting the noise at random timesteps, and its gradient by parameter name."""
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        kept = _ALPHA_BARS[rng.integers(0, len(_ALPHA_BARS), len(latents))][:, None]
        noisy = (kept**0.5 * latents + (1 - kept) ** 0.5 * noise).astype(np.float32)
        error = noisy @ _WEIGHT.T + text @ _TEXT_WEIGHT.T - noise
        seen = {name: _GAIN * (text if name.startswith("lora_te") else noisy) for name in self.adapters}
        for name, (down, up) in self.adapters.items():
            error += self._scale * (seen[name] @ down.T) @ up.T
        slope = self._scale * 2 * error / error.size
        gradients = {}
        for name, (down, up) in self.adapters.items():
            gradients[f"{name}.lora_down.weight"] = (slope @ up).T @ seen[name]
            gradients[f"{name}.lora_up.weight"] = slope.T @ (seen[name] @ down.T)
        return float((error**2).mean()), gradients

    def tensors(self) -> dict[str, np.ndarray]:
        """What a file holds; like the engine's, alpha is an integer where the options file has one."""
        alpha = np.array(self._alpha, np.int64 if isinstance(self._alpha, int) else np.float32)
        return {**self.parameters, **{f"{name}.alpha": alpha for name in self.adapters}}

    def load(self, tensors: dict[str, np.ndarray]) -> None:
        """Raises RuntimeError, as torch does, where ranks differ."""
        for name, own in self.parameters.items():
            if tensors[name].shape != own.shape:
                raise RuntimeError(
                    f"Error(s) in loading state_dict for LoRANetwork:\n\tsize mismatch for {name}"
                )
            own[...] = tensors[name]


class AdamW:
    """Every parameter with its own base rate; those with a rate of 0 are not trained."""

    def __init__(self, args: Options, parameters: dict[str, Array]) -> None:
        name = args.optimizer_type or "AdamW"
        if not played.is_optimizer(name):
            raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")
        log(f"use {name} optimizer | {args.optimizer_args or {}}")
        if not args.lr_scheduler_type and not played.is_schedule(args.lr_scheduler):
            raise ValueError(f"'{args.lr_scheduler}' is not a valid SchedulerType")
        own_schedule = "schedulefree" in name.lower()  # which the engine gives none
        if args.lr_scheduler == "constant" and args.lr_warmup_steps and not own_schedule:
            raise ValueError("constant does not require `num_warmup_steps`. Set None or 0.")
        self._args = args
        self.title = _TITLES.get(name.lower(), name)  # ss_optimizer
        given = args.text_encoder_lr
        text = given[0] if isinstance(given, list) else args.learning_rate if given is None else given
        unet = args.learning_rate if args.unet_lr is None else args.unet_lr
        rates = {key: text if key.startswith("lora_te") else unet for key in parameters}
        found = _FOUND_RATE if played.finds_its_rate(name) else 1.0
        self.rates = {key: float(rate) * found for key, rate in rates.items() if rate > 0}
        if not self.rates:
            raise ValueError("optimizer got an empty parameter list")
        self._parameters = {key: parameters[key] for key in self.rates}
        self.steps = 0
        names = [f"{moment}.{key}" for moment in ("exp_avg", "exp_avg_sq") for key in self.rates]
        self.moments = {name: np.zeros_like(parameters[name.split(".", 1)[1]]) for name in names}

    def step(self, gradients: dict[str, Array]) -> None:
        share = schedule(self._args, self.steps)
        self.steps += 1
        for key, parameter in self._parameters.items():
            first, second = self.moments[f"exp_avg.{key}"], self.moments[f"exp_avg_sq.{key}"]
            rate = self.rates[key] * share
            first += (1 - _BETA1) * (gradients[key] - first)
            second += (1 - _BETA2) * (gradients[key] ** 2 - second)
            parameter *= 1 - rate * _DECAY
            size = np.sqrt(second / (1 - _BETA2**self.steps)) + _EPSILON
            parameter -= rate / (1 - _BETA1**self.steps) * first / size


def schedule(args: Options, step: int) -> float:
    """The share of the base rate at an optimizer step."""
    name, warmup, total = args.lr_scheduler, args.lr_warmup_steps, args.max_train_steps
    if isinstance(warmup, float):  # a share of all steps
        warmup = int(warmup * total)
    if step < warmup:
        return float(step / warmup)
    gone: float = (step - warmup) / max(1, total - warmup)
    if name.startswith("constant") or name not in played.SCHEDULES or args.lr_scheduler_type:
        return 1.0
    if gone >= 1 or name == "linear":
        return max(0.0, 1 - gone)
    cycles = args.lr_scheduler_num_cycles if name == "cosine_with_restarts" else 1
    return 0.5 * (1 + math.cos(math.pi * (cycles * gone % 1)))


@cache
def encode(path: Path) -> Array:
    """An image's latent, about unit variance."""
    try:
        with Picture.open(path) as picture:
            thumbnail = picture.convert("RGB").resize((_SIDE, _SIDE), Picture.Resampling.BOX)
    except OSError:
        log(f"Error loading file: {path}", "ERROR")
        raise
    return np.asarray(_PROJECTION @ (np.asarray(thumbnail, np.float32).ravel() / 127.5 - 1), np.float32)


@cache
def embed(caption: str) -> Array:
    """A caption's embedding: the sum of its words' fixed random vectors."""
    words = caption.replace(",", " ").lower().split() or [""]
    vectors = [np.random.default_rng(zlib.crc32(word.encode())).standard_normal(_TEXT) for word in words]
    return np.asarray(np.sum(vectors, axis=0) / len(words) ** 0.5, np.float32)
