"""The miniature of U-Net and LoRA: one frozen linear denoiser, a low-rank adapter on each of its modules."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from kohya_wrap.rehearsal.families import Family
from kohya_wrap.rehearsal.latents import LATENT, TEXT, Array

_GAIN = 3.0  # what the adapters see is this much larger: usual rates then show within the steps of a demo
_BETAS = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2  # Stable Diffusion's scaled_linear schedule
ALPHA_BARS = np.cumprod(1 - _BETAS).astype(np.float32)


@dataclass
class Adapter:
    """A frozen weight W and its LoRA: the module computes (W + alpha / rank * up @ down) x."""

    name: str
    is_text: bool
    weight: Array
    down: Array
    up: Array
    alpha: float

    @property
    def scale(self) -> float:
        return self.alpha / len(self.down)


class Network:
    """The sum of all modules: the U-Net's see the noisy latent, the text encoder's the caption."""

    def __init__(self, args: argparse.Namespace, family: Family, rng: np.random.Generator) -> None:
        rank = 4 if args.network_dim is None else args.network_dim
        alpha = args.network_alpha or rank
        frozen = np.random.default_rng(1)
        self.adapters: list[Adapter] = []
        for name in (*family.text_modules, *family.unet_modules):
            is_text = name in family.text_modules
            inputs = TEXT if is_text else LATENT
            weight = frozen.standard_normal((LATENT, inputs)).astype(np.float32) * 0.1 / inputs**0.5
            if not is_text:  # together they pass the noise on, as a denoiser that has never seen these images
                weight += np.eye(LATENT, dtype=np.float32) / len(family.unet_modules)
            if args.network_train_unet_only if is_text else args.network_train_text_encoder_only:
                continue
            down = rng.uniform(-1, 1, (rank, inputs)).astype(np.float32) / inputs**0.5
            up = np.zeros((LATENT, rank), np.float32)
            self.adapters.append(Adapter(name, is_text, weight / _GAIN, down, up, alpha))
        # Modules without an adapter still compute.
        self._base = frozen.standard_normal((LATENT, LATENT)).astype(np.float32) * 0.05 / LATENT**0.5
        if args.network_train_text_encoder_only:
            self._base += np.eye(LATENT, dtype=np.float32)

    def predict(self, noisy: Array, text: Array) -> Array:
        """The noise in `noisy` (batch, LATENT), given the captions (batch, TEXT)."""
        result = noisy @ self._base.T
        for a in self.adapters:
            seen = _GAIN * (text if a.is_text else noisy)
            result = result + seen @ a.weight.T + a.scale * (seen @ a.down.T) @ a.up.T
        return np.asarray(result, np.float32)

    def loss(
        self, latents: Array, text: Array, weights: Array, rng: np.random.Generator
    ) -> tuple[float, dict[str, Array]]:
        """The weighted squared error at random timesteps, and its gradient by parameter name."""
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        kept = ALPHA_BARS[rng.integers(0, len(ALPHA_BARS), len(latents))][:, None]
        noisy: Array = (kept**0.5 * latents + (1 - kept) ** 0.5 * noise).astype(np.float32)
        error = self.predict(noisy, text) - noise
        slope = 2 * weights[:, None] * error / error.size
        gradients = {}
        for a in self.adapters:
            seen = _GAIN * (text if a.is_text else noisy)
            gradients[f"{a.name}.lora_down.weight"] = a.scale * (slope @ a.up).T @ seen
            gradients[f"{a.name}.lora_up.weight"] = a.scale * slope.T @ (seen @ a.down.T)
        return float((weights[:, None] * error**2).mean()), gradients

    def parameters(self) -> dict[str, Array]:
        """What is trained, to be changed in place."""
        found = {}
        for a in self.adapters:
            found[f"{a.name}.lora_down.weight"] = a.down
            found[f"{a.name}.lora_up.weight"] = a.up
        return found

    def tensors(self) -> dict[str, np.ndarray]:
        """What a file holds; like the engine's, alpha is an integer where the options file has one."""
        kind = np.int64 if isinstance(self.adapters[0].alpha, int) else np.float32
        return {**self.parameters(), **{f"{a.name}.alpha": np.array(a.alpha, kind) for a in self.adapters}}

    def load(self, tensors: dict[str, np.ndarray]) -> None:
        """Raises RuntimeError, as torch does, where names or ranks differ."""
        faults = []
        for name, own in self.parameters().items():
            given = tensors.get(name)
            if given is None:
                faults.append(f'Missing key(s) in state_dict: "{name}".')
            elif given.shape != own.shape:
                shapes = f"{given.shape} from checkpoint, the shape in current model is {own.shape}"
                faults.append(f"size mismatch for {name}: copying a param with shape {shapes}.")
            else:
                own[...] = given
        if faults:
            raise RuntimeError("Error(s) in loading state_dict for LoRANetwork:\n\t" + "\n\t".join(faults))
