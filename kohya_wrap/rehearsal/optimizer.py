"""AdamW, and the engine's learning-rate schedules, in NumPy."""

from __future__ import annotations

import argparse
import ast
import math

import numpy as np

from kohya_wrap.rehearsal.console import info
from kohya_wrap.rehearsal.latents import Array
from kohya_wrap.rehearsal.options import pairs

# All of them are played by AdamW; the value is what the engine writes as ss_optimizer.
_KNOWN = {
    "adamw": "torch.optim.adamw.AdamW",
    "adamw8bit": "bitsandbytes.optim.adamw.AdamW8bit",
    "pagedadamw8bit": "bitsandbytes.optim.adamw.PagedAdamW8bit",
    "lion": "lion_pytorch.lion_pytorch.Lion",
    "prodigy": "prodigyopt.prodigy.Prodigy",
    "adafactor": "transformers.optimization.Adafactor",
}
_NOT_PLAYED = ("inverse_sqrt", "cosine_with_min_lr", "warmup_stable_decay", "piecewise_constant")
_WARMED = ("constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial")


class AdamW:
    """Every parameter with its own base rate; those without one are not trained.

    Raises:
        AttributeError, ValueError, TypeError: the engine's own, for a name or a rate that it cannot use.
    """

    def __init__(self, args: argparse.Namespace, parameters: dict[str, Array]) -> None:
        name = args.optimizer_type or "AdamW"
        if name.lower() not in _KNOWN:
            raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")
        given = pairs(args.optimizer_args)
        options = {key: ast.literal_eval(value) for key, value in given.items()}
        shown = ",".join(f"{key}={value}" for key, value in options.items())
        self.title = _KNOWN[name.lower()] + (f"({shown})" if shown else "")
        info(f"use {name} optimizer | {options}")
        self._betas = options.get("betas", (0.9, 0.999))
        self._decay, self._epsilon = options.get("weight_decay", 0.01), options.get("eps", 1e-8)
        text = args.text_encoder_lr[0] if isinstance(args.text_encoder_lr, list) else args.text_encoder_lr
        text = args.learning_rate if text is None else text
        unet = args.learning_rate if args.unet_lr is None else args.unet_lr
        rates = {key: text if key.startswith("lora_te") else unet for key in parameters}
        for rate in rates.values():
            if not rate >= 0.0:
                raise ValueError(f"Invalid learning rate: {rate}")
        self.rates = {key: float(rate) for key, rate in rates.items() if rate}
        if not self.rates:
            raise ValueError("optimizer got an empty parameter list")
        self._parameters = {key: parameters[key] for key in self.rates}
        self.steps = 0
        self.first = {key: np.zeros_like(value) for key, value in self._parameters.items()}
        self.second = {key: np.zeros_like(value) for key, value in self._parameters.items()}

    def step(self, gradients: dict[str, Array], share: float, max_norm: float) -> None:
        """One update at `share` of the base rates, the gradients clipped to a norm of `max_norm`, 0: not."""
        self.steps += 1
        if max_norm:
            norm = math.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
            factor = np.float32(max_norm / (norm + 1e-6))
            if not factor > 1:  # so a NaN spreads, as in torch
                gradients = {key: g * factor for key, g in gradients.items()}
        one, two = self._betas
        for key, parameter in self._parameters.items():
            first, second, rate = self.first[key], self.second[key], self.rates[key] * share
            first += (1 - one) * (gradients[key] - first)
            second += (1 - two) * (gradients[key] ** 2 - second)
            parameter *= 1 - rate * self._decay
            size = np.sqrt(second / (1 - two**self.steps)) + self._epsilon
            parameter -= rate / (1 - one**self.steps) * first / size


class Schedule:
    """The share of the base rate at an optimizer step.

    Raises:
        ValueError, NotImplementedError: no such schedule; a constant one told to warm up; one not played.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._name, self._warmup = args.lr_scheduler, args.lr_warmup_steps
        self._total: int = args.max_train_steps
        if isinstance(self._warmup, float):  # a share of all steps
            self._warmup = int(self._warmup * self._total)
        self._cycles, self._power = args.lr_scheduler_num_cycles, args.lr_scheduler_power
        if self._name == "constant":
            if self._warmup:
                raise ValueError(f"{self._name} does not require `num_warmup_steps`. Set None or 0.")
        elif self._name in _NOT_PLAYED:
            raise NotImplementedError(f"the rehearsal engine does not play lr_scheduler {self._name}")
        elif self._name not in _WARMED:
            raise ValueError(f"'{self._name}' is not a valid SchedulerType")

    def share(self, step: int) -> float:
        if step < self._warmup:
            return float(step / self._warmup)
        gone: float = (step - self._warmup) / max(1, self._total - self._warmup)
        if self._name == "linear":
            return max(0.0, 1 - gone)
        if self._name == "cosine":
            return max(0.0, 0.5 * (1 + math.cos(math.pi * gone)))
        if self._name == "cosine_with_restarts":
            return 0.0 if gone >= 1 else float(0.5 * (1 + math.cos(math.pi * (self._cycles * gone % 1))))
        if self._name == "polynomial":
            return float(max(0.0, 1 - gone) ** self._power)
        return 1.0
