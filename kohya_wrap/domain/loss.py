"""The training loss as the guide reads it: a word for a person, never a reason to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from kohya_wrap.domain.config import TrainingConfig


@dataclass(frozen=True)
class Range:
    """What the guide has seen in a typical run about this epoch."""

    epoch: int
    low: float
    high: float


# The guide, "進捗のモニタリング": エポック1：ロス約0.08-0.10, エポック5：ロス約0.05-0.07, エポック10：ロス約0.04-0.06.
_GUIDE = (Range(1, 0.08, 0.10), Range(5, 0.05, 0.07), Range(10, 0.04, 0.06))

# What makes the engine's loss another quantity than the guide's (train_network.py: process_batch, post_process_loss;
# train_util.py: get_noise_noisy_latents_and_timesteps).
_RESCALES = {
    "min_snr_gamma": "min-SNR",
    "debiased_estimation_loss": "debiased estimation",
    "v_parameterization": "v-prediction",
    "v_pred_like_loss": "v-prediction-like loss",
    "masked_loss": "a mask",
    "alpha_mask": "a mask",
    "noise_offset": "noise offset",
    "multires_noise_iterations": "multires noise",
    "ip_noise_gamma": "input perturbation",
    "min_timestep": "min_timestep",
    "max_timestep": "max_timestep",
}


class Trend(Enum):
    """The guide's reading: it falls for some epochs, then steadies. Risen after that, the model may be overfitting;
    flat from the beginning, the learning rate may be too low."""

    UNKNOWN = ""
    FALLS = "falls"
    STEADY = "has steadied"
    RISES = "rises again: perhaps overfitting"
    FLAT = "flat so far: perhaps too low a learning rate"


_EARLY = 3  # epochs before which nothing is read from it
# Random timesteps make an epoch's average wander: with 500 passes by about 4 %, so that this is more than twice it.
_WANDERS = 0.1


def expected(epoch: int) -> Range:
    """The guide's line whose epoch is nearest."""
    return min(_GUIDE, key=lambda one: abs(one.epoch - epoch))


def rescaled_by(config: TrainingConfig) -> str:
    """What in the config shifts the scale of the loss, in a word or two; empty where the guide's range holds."""
    if config.get("loss_type", "l2") != "l2":
        return f"loss_type {config.get('loss_type')}"
    return next((what for option, what in _RESCALES.items() if config.get(option)), "")


def trend(averages: Sequence[float]) -> Trend:
    """Args:
    averages: of whole epochs from the first on, in their order.
    """
    if len(averages) < _EARLY:
        return Trend.UNKNOWN
    first, last, lowest = averages[0], averages[-1], min(averages)
    if last > lowest * (1 + _WANDERS):
        return Trend.RISES
    if max(averages) <= lowest * (1 + _WANDERS):
        return Trend.FLAT
    return Trend.FALLS if last < averages[-2] and last < first * (1 - _WANDERS) else Trend.STEADY


def validation(by_epoch: Mapping[int, float]) -> str:
    """The loss of images that are not trained on: the last, and the least if that lies behind."""
    last, best = max(by_epoch), min(by_epoch, key=lambda epoch: by_epoch[epoch])
    text = f"{by_epoch[last]:.3g} after epoch {last}"
    return text if best == last else f"{text}; least {by_epoch[best]:.3g} after epoch {best}"
