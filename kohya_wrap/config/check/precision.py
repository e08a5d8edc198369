"""Number formats, attention kernels and memory."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.learning import optimizer_name
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

KERNELS = ("mem_eff_attn", "xformers", "sdpa")  # of several, the engine takes the first


def half_precision(seen: Seen) -> Iterator[Finding]:
    mixed = seen.get("mixed_precision", "no")
    for name, needed in (("full_fp16", "fp16"), ("full_bf16", "bf16")):
        if seen.get(name) and mixed != needed:
            yield seen.error(
                "full-precision", name, f"`{name}` needs mixed_precision = \"{needed}\", and it is \"{mixed}\".",
                f'Write mixed_precision = "{needed}", or remove the line.',
            )  # fmt: skip
    for name in ("fp8_base", "fp8_base_unet"):
        if seen.get(name) and mixed == "no":
            yield seen.error(
                "fp8-base", name, f"`{name}` needs mixed_precision \"fp16\" or \"bf16\", and it is \"no\".",
                'Write mixed_precision = "bf16", or remove the line.',
            )  # fmt: skip


def sdxl_vae(seen: Seen) -> Iterator[Finding]:
    if (
        seen.sdxl
        and seen.get("mixed_precision") == "fp16"
        and not seen.get("vae")
        and not seen.get("no_half_vae")
    ):
        yield seen.warning(
            "vae-fp16", "no_half_vae",
            "SDXL's own VAE gives NaN in fp16, without a word where latents are cached.",
            "Write no_half_vae = true, or remove the line.",
        )  # fmt: skip


def kernels(seen: Seen) -> Iterator[Finding]:
    chosen = [kernel for kernel in KERNELS if seen.get(kernel)]
    if len(chosen) > 1:
        yield seen.warning(
            "two-kernels", chosen[1], f"of {' and '.join(f'`{kernel}`' for kernel in chosen)} the engine uses `{chosen[0]}`.",
            f"Remove `{'`, `'.join(chosen[1:])}`.",
        )  # fmt: skip
    if not chosen:
        yield seen.warning(
            "no-kernel", "sdpa", "no attention kernel is on: plain attention is slow and takes much memory.",
            "Write sdpa = true.",
        )  # fmt: skip


def checkpointing(seen: Seen) -> Iterator[Finding]:
    if seen.get("cpu_offload_checkpointing"):
        yield seen.error(
            "cpu-offload", "cpu_offload_checkpointing",
            "`cpu_offload_checkpointing` fails on the U-Nets of SD 1.5 and SDXL.",
            "Write gradient_checkpointing = true instead.",
        )  # fmt: skip
    if seen.get("fused_backward_pass"):
        fits = optimizer_name(seen) == "adafactor" and seen.get("gradient_accumulation_steps", 1) == 1
        say = seen.warning if fits else seen.error
        yield say(
            "fused-backward", "fused_backward_pass",
            f"`fused_backward_pass` is not used by {seen.script}, which all the same demands Adafactor and no "
            "accumulation for it.", "Remove the line.",
        )  # fmt: skip


def workers(seen: Seen) -> Iterator[Finding]:
    if seen.get("persistent_data_loader_workers") and seen.get("max_data_loader_n_workers", 8) == 0:
        yield seen.error(
            "no-workers", "persistent_data_loader_workers",
            "`persistent_data_loader_workers` beside max_data_loader_n_workers = 0: the engine fails on it.",
            "Remove the line, or write max_data_loader_n_workers = 2.",
        )  # fmt: skip


def deepspeed(seen: Seen) -> Iterator[Finding]:
    if seen.get("deepspeed"):
        yield seen.error(
            "deepspeed", "deepspeed", "DeepSpeed is not in the engine's environment: the engine ends at once.",
            "Remove the line: a LoRA on one GPU needs none.",
        )  # fmt: skip
