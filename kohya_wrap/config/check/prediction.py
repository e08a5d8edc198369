"""What the base predicts, and the options that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding


def check_base(
    config: TrainingConfig, lines: Mapping[str, str], *, v_prediction: bool, noise_by: str, sd15: bool = False
) -> tuple[Finding, ...]:
    """Whether the config denies what is known of the base: nothing sound would be learned.

    Args:
        v_prediction: the base predicts v.
        sd15: its family, of which nearly all predict noise.
        noise_by: "catalogue" or "header", whichever says that it predicts noise; empty where none does.
    """
    seen, asked = Seen(config, "", lines), config.get("v_parameterization", False)
    if v_prediction and not asked:
        return (seen.error(
            "prediction", "v_parameterization", "this base predicts v, and v_parameterization = false trains for noise.",
            "Remove the line: kohya-wrap reads it from the base.",
        ),)  # fmt: skip
    if noise_by and asked:
        # A merge may carry the header of a file that predicts otherwise.
        say = seen.error if noise_by == "catalogue" else seen.warning
        return (say(
            "prediction", "v_parameterization",
            f"this base predicts noise, as {'its header' if noise_by == 'header' else 'the catalogue'} says, and "
            "v_parameterization = true trains for v.",
            "Remove the line: kohya-wrap reads it from the base.",
        ),)  # fmt: skip
    if sd15 and asked and not v_prediction:
        return (seen.warning(
            "prediction", "v_parameterization",
            "v_parameterization = true, and nothing says that this base predicts v: hardly any SD 1.5 does.",
            "Remove the line, unless the model's maker says so.",
        ),)  # fmt: skip
    return ()


def v_prediction(seen: Seen) -> Iterator[Finding]:
    v = seen.get("v_parameterization")
    if seen.get("scale_v_pred_loss_like_noise_pred") and not v:
        yield seen.error(
            "v-loss", "scale_v_pred_loss_like_noise_pred",
            "`scale_v_pred_loss_like_noise_pred` is for bases that predict v: the engine refuses it without "
            "v_parameterization.", "Write v_parameterization = true where the base predicts v, else remove the line.",
        )  # fmt: skip
    if seen.get("v_pred_like_loss") and v:
        yield seen.error(
            "v-loss", "v_pred_like_loss",
            "`v_pred_like_loss` is for bases that predict noise: the engine refuses it beside v_parameterization.",
            "Remove the line.",
        )  # fmt: skip
    if seen.by_user("zero_terminal_snr") and seen.get("zero_terminal_snr") and not v:
        yield seen.warning(
            "zero-snr", "zero_terminal_snr",
            "`zero_terminal_snr` without `v_parameterization`: a base that predicts noise learns nothing sound from it.",
            "Write v_parameterization = true where the base predicts v, else remove the line.",
        )  # fmt: skip


def second_generation(seen: Seen) -> Iterator[Finding]:
    if seen.get("v2"):
        yield seen.error(
            "v2", "v2", "`v2` is for Stable Diffusion 2, which this base is not.", "Remove the line."
        )
