"""Rates, warm-up, schedulers and optimizers."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

_ENGINE_RATE = 2e-6  # its default


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


def decay(seen: Seen) -> Iterator[Finding]:
    yield from _share(seen, "decay-ratio", "lr_decay_steps")


def _share(seen: Seen, code: str, name: str) -> Iterator[Finding]:
    steps = seen.get(name)
    if isinstance(steps, float) and steps >= 1:
        yield seen.error(
            code, name,
            f"`{name} = {steps}` means {steps:.0%} of the training: with a point it is a share, not steps.",
            f"Write {name} = {int(steps)} for steps, or e.g. 0.05.",
        )  # fmt: skip


def warm_up(seen: Seen) -> Iterator[Finding]:
    steps = seen.get("lr_warmup_steps")
    if not steps:
        return
    yield from _share(seen, "warmup-ratio", "lr_warmup_steps")
    if relative_step(seen):
        yield seen.error(
            "warmup-adafactor", "lr_warmup_steps",
            "Adafactor with relative_step brings its own schedule, which takes no warm-up: the engine refuses it.",
            'Write optimizer_args = ["relative_step=False"], or lr_warmup_steps = 0.',
        )  # fmt: skip
    elif seen.get("lr_scheduler_type"):
        yield seen.error(
            "warmup-scheduler", "lr_warmup_steps", "`lr_scheduler_type` takes no warm-up: the engine refuses it.",
            "Write lr_warmup_steps = 0, or lr_scheduler instead.",
        )  # fmt: skip
    elif seen.get("lr_scheduler", "constant") == "constant" and not _schedule_free(seen):
        yield seen.error(
            "warmup-constant", "lr_warmup_steps",
            "the scheduler `constant` takes no warm-up: the engine refuses it.",
            'Write lr_scheduler = "constant_with_warmup", or lr_warmup_steps = 0.',
        )  # fmt: skip


def scheduler(seen: Seen) -> Iterator[Finding]:
    if seen.given("lr_scheduler_type") and seen.given("lr_scheduler"):
        yield seen.warning(
            "two-schedulers", "lr_scheduler", "`lr_scheduler` has no effect beside `lr_scheduler_type`.",
            "Remove one of the two.",
        )  # fmt: skip
    if _schedule_free(seen):
        for name in ("lr_scheduler", "lr_warmup_steps"):
            if seen.given(name) and seen.get(name) != "constant":
                yield seen.warning(
                    "schedule-free", name,
                    f"`{name}` has no effect with {seen.get('optimizer_type')}, which needs no schedule.",
                    'Remove the line; a warm-up is optimizer_args = ["warmup_steps=100"].',
                )  # fmt: skip
    if str(seen.get("lr_scheduler", "")).startswith("adafactor") and optimizer_name(seen) != "adafactor":
        yield seen.error(
            "adafactor-scheduler", "lr_scheduler", "the scheduler `adafactor` works with that optimizer alone.",
            'Write lr_scheduler = "cosine", or optimizer_type = "Adafactor".',
        )  # fmt: skip


def adaptive_rates(seen: Seen) -> Iterator[Finding]:
    """Prodigy and D-Adaptation find the rate; what is given is a factor, and of several only the first counts."""
    name = optimizer_name(seen)
    if not (name == "prodigy" or name.startswith("dadapt")):
        return
    title, rates = seen.get("optimizer_type"), _group_rates(seen)
    option, rate = rates[0] if rates else ("learning_rate", _ENGINE_RATE)
    if not 0.1 < rate <= 10:
        yield seen.warning(
            "adaptive-rate", option,
            f"{title} finds the learning rate itself and multiplies it by yours: with {rate} it is far off.",
            f"Write {option} = 1.0.",
        )  # fmt: skip
    if len({rate for _, rate in rates}) > 1:
        shown = " and ".join(f"`{option} = {rate}`" for option, rate in rates)
        yield seen.warning(
            "one-rate", rates[1][0], f"{title} takes one rate, the first of {shown}.",
            "Write learning_rate = 1.0 alone.",
        )  # fmt: skip


def _group_rates(seen: Seen) -> list[tuple[str, float]]:
    """(option, rate) of each group that is trained, in the engine's order: text encoders, then the U-Net."""
    groups = []
    if not seen.get("network_train_unet_only"):
        groups.append("text_encoder_lr")
    if not seen.get("network_train_text_encoder_only"):
        groups.append("unet_lr")
    rates = []
    for group in groups:
        option = group if seen.get(group) is not None else "learning_rate"
        rate = seen.get(option, _ENGINE_RATE)
        rates.append((option, rate[0] if isinstance(rate, list) and rate else rate))
    return [(option, rate) for option, rate in rates if rate]  # a rate of 0 leaves the group out


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


def text_encoder_rates(seen: Seen) -> Iterator[Finding]:
    rates = seen.get("text_encoder_lr")
    if isinstance(rates, list) and len(set(rates)) > 1:
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
            "timesteps", "min_timestep", f"min_timestep {low} to max_timestep {high} leaves no timestep to train on.",
            "Write min_timestep = 0, max_timestep = 1000, or remove both.",
        )  # fmt: skip


def _schedule_free(seen: Seen) -> bool:
    return str(seen.get("optimizer_type", "")).lower().endswith("schedulefree")
