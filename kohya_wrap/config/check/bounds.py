"""How small and how large a number may be: one table of options, one of the keys of `network_args`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from kohya_wrap.config.spellings import as_toml


@dataclass(frozen=True)
class Bound:
    """What a number must be; outside of it the engine fails, or does something that nobody asks for.

    Attributes:
        good: what to write instead.
        why: what the engine does outside of it, where the bound does not say it itself.
        above, below: the end itself is outside.
        text: as `good`, where it is no number.
    """

    low: float
    high: float = inf
    good: float | None = None
    why: str = ""
    above: bool = False
    below: bool = False
    text: str = ""

    def holds(self, number: float) -> bool:
        low = number > self.low if self.above else number >= self.low
        return low and (number < self.high if self.below else number <= self.high)

    @property
    def must_be(self) -> str:
        least = f"more than {self.low}" if self.above else f"{self.low} or more"
        if self.high == inf:
            return least
        return f"{least} and less than {self.high}" if self.below else f"{self.low} to {self.high}"

    @property
    def example(self) -> str:
        return self.text or as_toml(self.low if self.good is None else self.good)

    @property
    def because(self) -> str:
        return f"; {self.why}" if self.why else ""


_FROM_1 = Bound(1)
_FROM_0 = Bound(0)
_SHARE = Bound(0, 1, good=0.1)
_RATE = Bound(0, good=1e-4, why="below 0 it learns away from the images")
_NOISE = Bound(0, why="below 0 it is the same noise as above")
_LOSS = Bound(0, good=1.0, why="below 0 it learns away from the images")
_DROPOUT = Bound(0, 1, good=0.1, below=True, why="at 1 nothing is left to train")
_HUBER = Bound(0, good=0.1, above=True, why="at 0 the loss is 0, or the engine fails")
_LARGEST_SEED = 2**32 - 1  # the engine gives it to NumPy too, which takes no other

# By what the engine at the pin does with them: its source read, and its functions called with values outside.
OPTIONS: Mapping[str, Bound] = {
    # counted or divided with, here and in the engine
    "train_batch_size": _FROM_1, "gradient_accumulation_steps": _FROM_1, "max_train_epochs": _FROM_1,
    "max_train_steps": _FROM_1, "save_every_n_epochs": _FROM_1, "save_every_n_steps": _FROM_1,
    "network_dim": _FROM_1, "bucket_reso_steps": Bound(1, good=64), "vae_batch_size": _FROM_1,
    "validate_every_n_epochs": _FROM_1, "validate_every_n_steps": _FROM_1, "max_validation_steps": _FROM_1,
    "lr_scheduler_num_cycles": _FROM_1, "lr_scheduler_timescale": Bound(1, good=1000),
    "initial_epoch": _FROM_1, "initial_step": _FROM_0, "save_n_epoch_ratio": _FROM_0,
    "max_data_loader_n_workers": _FROM_0,
    "seed": Bound(0, _LARGEST_SEED, good=42),
    # how many to keep
    "save_last_n_epochs": Bound(1, good=5, why="the engine would delete each file that it has just saved"),
    "save_last_n_steps": Bound(0, good=500, why="the engine would delete each file that it has just saved"),
    "save_last_n_epochs_state": _FROM_0, "save_last_n_steps_state": _FROM_0,
    # captions
    "keep_tokens": _FROM_0, "token_warmup_min": _FROM_0, "token_warmup_step": _FROM_0,
    "caption_dropout_every_n_epochs": _FROM_0, "caption_dropout_rate": _SHARE, "caption_tag_dropout_rate": _SHARE,
    # learning
    "learning_rate": _RATE, "unet_lr": _RATE, "text_encoder_lr": _RATE,
    "lr_scheduler_power": Bound(0, good=1.0), "lr_scheduler_min_lr_ratio": _SHARE,
    "max_grad_norm": Bound(0, good=1.0, why="below 0 it learns away from the images"),
    "scale_weight_norms": Bound(0, good=1.0, why="below 0 the weights become NaN"),
    "network_alpha": _FROM_0, "network_dropout": _DROPOUT,
    # noise and loss
    "noise_offset": _NOISE, "ip_noise_gamma": _NOISE, "multires_noise_iterations": _FROM_0,
    "multires_noise_discount": _SHARE, "min_snr_gamma": Bound(0, good=5.0, why=_LOSS.why),
    "v_pred_like_loss": _LOSS, "prior_loss_weight": _LOSS, "huber_c": _HUBER, "huber_scale": _HUBER,
    "min_timestep": Bound(0, 999), "max_timestep": Bound(1, 1000, good=1000),
    "validation_split": Bound(0, 1, good=0.1, below=True, why="at 1 no image is left to train on"),
}  # fmt: skip

NETWORK_ARGS: Mapping[str, Bound] = {
    "dropout": _DROPOUT, "rank_dropout": _DROPOUT, "module_dropout": _DROPOUT,
    "conv_dim": _FROM_0, "conv_alpha": _FROM_0, "unit": _FROM_1, "block_size": _FROM_1, "constraint": _FROM_0,
    "constrain": _FROM_0, "loraplus_lr_ratio": _FROM_0, "loraplus_unet_lr_ratio": _FROM_0,
    "loraplus_text_encoder_lr_ratio": _FROM_0,
}  # fmt: skip

# By the optimizers' constructors, called with values outside: most refuse them, the others reach NaN.
OPTIMIZER_ARGS: Mapping[str, Bound] = {
    "betas": Bound(0, 1, below=True, text="(0.9, 0.999)"), "eps": Bound(0, good=1e-8),
    "weight_decay": Bound(0, good=0.01), "momentum": Bound(0, good=0.9),
}  # fmt: skip


def outside(bounds: Mapping[str, Bound], name: str, value: Any) -> Bound | None:
    """The bound that the value, or one in a list, is outside of."""
    bound = bounds.get(name)
    if bound is None or value is None:
        return None
    numbers = value if isinstance(value, list) else [value]
    return None if all(bound.holds(number) for number in numbers) else bound
