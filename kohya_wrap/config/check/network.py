"""What of the model is trained, and with how much capacity."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.blocks import BY_BLOCK
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

# In networks.lora and what is made from it, the first is ignored in silence without the second.
_NEEDS = (
    ("conv_alpha", ("conv_dim",)),
    ("block_alphas", BY_BLOCK),
    ("conv_block_dims", BY_BLOCK),
    ("conv_block_alphas", ("conv_block_dims",)),
)
_AS_LORA = ("networks.lora", "networks.lora_fa", "networks.dylora")


def parts(seen: Seen) -> Iterator[Finding]:
    if seen.get("network_train_unet_only") and seen.get("network_train_text_encoder_only"):
        yield seen.error(
            "nothing-trained", "network_train_text_encoder_only",
            "network_train_unet_only and network_train_text_encoder_only together train nothing: the engine refuses it.",
            "Remove one of the two, or both to train U-Net and text encoders.",
        )  # fmt: skip


def partners(seen: Seen) -> Iterator[Finding]:
    module = seen.get("network_module")
    given = arguments.given(seen, "network_args")
    if module not in _AS_LORA:
        return
    for key, needed in _NEEDS:
        if key in given and not any(partner in given for partner in needed):
            yield seen.error(
                "argument-alone", "network_args",
                f"`network_args`: {module} ignores `{key}` where `{needed[0]}` is not given.",
                f'Add "{needed[0]}=…", or remove `{key}`.',
            )  # fmt: skip
    if arguments.number(given.get("conv_dim", "")) and "conv_alpha" not in given:
        yield seen.warning(
            "conv-alpha", "network_args",
            f"`network_args`: conv_dim={given['conv_dim']} without conv_alpha is scaled by 1/{given['conv_dim']}.",
            'Add "conv_alpha=…", e.g. half of conv_dim.',
        )  # fmt: skip


def dylora(seen: Seen) -> Iterator[Finding]:
    """networks.dylora trains the ranks unit, 2 x unit … network_dim, those of convolutions too."""
    if seen.get("network_module") != "networks.dylora":
        return
    dim, given = seen.get("network_dim", 4), arguments.given(seen, "network_args")
    unit, conv_dim = (
        arguments.number(given.get("unit", "1")),
        arguments.number(given.get("conv_dim", str(dim))),
    )
    if unit and dim % unit:
        yield seen.error(
            "dylora", "network_args",
            f"`network_args`: unit={given['unit']} does not divide network_dim {dim}: networks.dylora refuses it.",
            'Write "unit=4" and a network_dim that 4 divides, or remove `unit`.',
        )  # fmt: skip
    if conv_dim != dim:
        yield seen.error(
            "dylora", "network_args",
            f"`network_args`: conv_dim={given['conv_dim']} is not network_dim {dim}: networks.dylora refuses it.",
            f'Write "conv_dim={dim}".',
        )  # fmt: skip


def base_weights(seen: Seen) -> Iterator[Finding]:
    if seen.get("base_weights"):
        yield seen.warning(
            "base-weights", "base_weights",
            "`base_weights` widens the new LoRA: it gets layers that it would not have otherwise (227 for 192 on SD 1.5).",
            "Merge that LoRA into the base first, and train on the merged file.",
        )  # fmt: skip


def from_weights(seen: Seen) -> Iterator[Finding]:
    if not seen.get("dim_from_weights"):
        return
    if not seen.get("network_weights"):
        yield seen.error(
            "dim-from-nothing", "dim_from_weights", "`dim_from_weights` needs `network_weights`, the file to take it from.",
            "Write network_weights too, or remove the line.",
        )  # fmt: skip
    for name in ("network_dim", "network_alpha"):
        if seen.given(name):
            yield seen.warning(
                "dim-from-weights", name,
                f"`{name}` has no effect beside `dim_from_weights`; the LoRA's metadata would name it all the same.",
                f"Remove `{name}`.",
            )  # fmt: skip
