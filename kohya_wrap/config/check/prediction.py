"""What the base predicts, and the options that belong to it."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding


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
    if seen.get("zero_terminal_snr") and not v:
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
