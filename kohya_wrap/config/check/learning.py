"""Optimizers, learning rates, steps and noise."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config import option_table
from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

ENGINE_RATE = 2e-6  # its default
_WANTS_A_RATE = ("lion", "prodigy", "prodigyplus.prodigyplusschedulefree")


def optimizer_name(seen: Seen) -> str:
    """As the engine takes it: in small letters, the old flags too."""
    if seen.get("use_8bit_adam"):
        return "adamw8bit"
    if seen.get("use_lion_optimizer"):
        return "lion"
    return str(seen.get("optimizer_type") or "AdamW").lower()


def two_optimizers(seen: Seen) -> Iterator[Finding]:
    asked = [n for n in ("use_8bit_adam", "use_lion_optimizer", "optimizer_type") if seen.get(n)]
    if len(asked) > 1:
        yield seen.error(
            "two-optimizers", asked[0], f"`{asked[0]}` and `{asked[1]}` both name an optimizer: the engine refuses it.",
            f"Remove `{asked[0]}`.",
        )  # fmt: skip


def is_adaptive(seen: Seen) -> bool:
    return optimizer_name(seen) == "prodigy" or optimizer_name(seen).startswith("dadapt")


def adaptive_rates(seen: Seen) -> Iterator[Finding]:
    """Prodigy and D-Adaptation find the rate; what is given is a factor, and of several only the first counts."""
    if not is_adaptive(seen) or option_table.optimizer_args(optimizer_name(seen)) is None:  # said already
        return
    title, rates = seen.get("optimizer_type"), [(option, rate) for option, rate in _group_rates(seen) if rate]
    if not rates:  # a rate of 0 leaves its part out
        return
    option, rate = rates[0]
    if _is_far_off(seen, rate):
        yield seen.warning(
            "adaptive-rate", option,
            f"{title} finds the learning rate itself and multiplies it by yours: with {rate} it is far off.",
            f"Write {option} = 1.0.",
        )  # fmt: skip
    elif len({rate for _, rate in rates}) > 1:
        shown = " and ".join(f"`{option} = {rate}`" for option, rate in rates)
        yield seen.warning(
            "one-rate", rates[1][0], f"{title} takes one rate, the first of {shown}.",
            "Write learning_rate = 1.0 alone.",
        )  # fmt: skip


def _is_far_off(seen: Seen, rate: float) -> bool:
    return is_adaptive(seen) and not 0.1 < rate <= 10


def _group_rates(seen: Seen) -> list[tuple[str, float]]:
    """(option, rate) of each group that is trained, in the engine's order: text encoders, then the U-Net."""
    groups = []
    if not seen.get("network_train_unet_only"):
        groups.append("text_encoder_lr")
    if not seen.get("network_train_text_encoder_only"):
        groups.append("unet_lr")
    rates = []
    for group in groups:
        option = group if seen.get(group) not in (None, []) else "learning_rate"
        rate = seen.get(option, ENGINE_RATE)
        rates.append((option, rate[0] if isinstance(rate, list) else rate))
    return rates


def nothing_trained(seen: Seen) -> Iterator[Finding]:
    """A rate of 0 leaves its part out; where no part is left, networks.lora and LyCORIS fail, others train nothing."""
    rates = _group_rates(seen)
    if rates and not any(rate for _, rate in rates):
        at = rates[-1][0]
        yield seen.error(
            "nothing-trained", at,
            f"{' and '.join(f'`{option} = 0`' for option in dict(rates))}: with no learning rate left, nothing is trained.",
            f"Write {at} = {1.0 if is_adaptive(seen) else 0.0001}.",
        )  # fmt: skip
    elif seen.get("learning_rate") == 0 and optimizer_name(seen) in _WANTS_A_RATE:
        yield seen.error(
            "zero-rate", "learning_rate",
            f"{seen.get('optimizer_type') or 'Lion'} takes no `learning_rate = 0`, even where it is used nowhere: the engine fails.",
            "Remove the line.",
        )  # fmt: skip


def adafactor_rates(seen: Seen) -> Iterator[Finding]:
    given = [rate for rate in ("unet_lr", "text_encoder_lr") if seen.given(rate)]
    if relative_step(seen) and given:
        yield seen.warning(
            "adafactor-rates", given[0],
            f"Adafactor with relative_step, its default here, ignores {' and '.join(f'`{rate}`' for rate in given)}.",
            'Write optimizer_args = ["relative_step=False", "scale_parameter=False", "warmup_init=False"] to use them.',
        )  # fmt: skip


def relative_step(seen: Seen) -> bool:
    """Adafactor's own rate and schedule, which the engine turns on where nobody says otherwise."""
    given = arguments.given(seen, "optimizer_args")
    off = given.get("relative_step", "True").strip() == "False"
    return optimizer_name(seen) == "adafactor" and (not off or given.get("warmup_init", "").strip() == "True")


def rates_of_parts(seen: Seen) -> Iterator[Finding]:
    rates = seen.get("text_encoder_lr")
    if isinstance(rates, list) and len(set(rates)) > 1 and not (rates[0] and _is_far_off(seen, rates[0])):
        yield seen.warning(
            "first-rate", "text_encoder_lr",
            f"{seen.get('network_module')} trains all text encoders with the first rate, {rates[0]}.",
            f"Write text_encoder_lr = {rates[0]}.",
        )  # fmt: skip
    if seen.given("text_encoder_lr") and seen.get("network_train_unet_only"):
        yield seen.warning(
            "text-encoder-untrained", "text_encoder_lr",
            "`text_encoder_lr` has no effect: network_train_unet_only leaves the text encoders as they are.",
            "Remove one of the two.",
        )  # fmt: skip
    if seen.given("unet_lr") and seen.get("network_train_text_encoder_only"):
        yield seen.warning(
            "unet-untrained", "unet_lr",
            "`unet_lr` has no effect: network_train_text_encoder_only leaves the U-Net as it is.",
            "Remove one of the two.",
        )  # fmt: skip


def steps_and_epochs(seen: Seen) -> Iterator[Finding]:
    if seen.get("max_train_epochs") and seen.by_user("max_train_steps"):
        yield seen.warning(
            "steps-dropped", "max_train_steps", "`max_train_steps` has no effect beside `max_train_epochs`.",
            "Remove one of the two.",
        )  # fmt: skip


def noise(seen: Seen) -> Iterator[Finding]:
    if seen.get("adaptive_noise_scale") is not None and seen.get("noise_offset") is None:
        yield seen.error(
            "adaptive-noise", "adaptive_noise_scale", "`adaptive_noise_scale` needs `noise_offset`: the engine refuses it.",
            "Write noise_offset too, e.g. 0.0357, or remove the line.",
        )  # fmt: skip
    low, high = seen.get("min_timestep", 0), seen.get("max_timestep", 1000)
    if low >= high:
        yield seen.error(
            "timesteps", "min_timestep" if seen.get("min_timestep") is not None else "max_timestep",
            f"min_timestep {low} to max_timestep {high}: the engine would train on timestep {high} alone.",
            "Write min_timestep = 0, max_timestep = 1000, or remove both.",
        )  # fmt: skip
