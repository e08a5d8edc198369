"""Dimensions and rates for each block of the U-Net, in `network_args`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

_MODULES = ("networks.lora", "networks.lora_fa")
_PER_BLOCK = ("block_dims", "block_alphas", "conv_block_dims", "conv_block_alphas")
# Without one of these, the others are ignored.
BY_BLOCK = ("block_dims", "down_lr_weight", "mid_lr_weight", "up_lr_weight")
_CURVE = re.compile(r"(cosine|sine|linear|reverse_linear|zeros)(\+.*)?")


@dataclass(frozen=True)
class _Blocks:
    """How many the network module counts: going down or up, in the middle, and all."""

    way: int
    middle: int
    total: int


_SD15, _SDXL = _Blocks(12, 1, 25), _Blocks(9, 3, 23)


def blocks(seen: Seen) -> Iterator[Finding]:
    module, given = str(seen.get("network_module")), arguments.given(seen, "network_args")
    keys = [key for key in given if key in (*_PER_BLOCK, *BY_BLOCK)]
    if module not in _MODULES or not given.keys() & set(BY_BLOCK):
        return
    if seen.sdxl and module == "networks.lora_fa":
        yield seen.error(
            "blocks", "network_args",
            f"`network_args`: {module} does not know SDXL's blocks: all would get what `{keys[0]}` says of the last.",
            f"Remove `{keys[0]}`, or write network_module = \"networks.lora\".",
        )  # fmt: skip
        return
    unet = _SDXL if seen.sdxl else _SD15
    for key in keys:
        if key in _PER_BLOCK:
            yield from _per_block(seen, key, given[key], unet.total)
        elif key == "mid_lr_weight":
            yield from _weights(seen, key, given[key], unet.middle)
        else:
            yield from _way(seen, key, given[key], unet.way)


def _per_block(seen: Seen, key: str, text: str, wanted: int) -> Iterator[Finding]:
    count = text.count(",") + 1
    if count != wanted:
        yield _wrong(
            seen,
            key,
            f"must be {wanted} numbers, one for each block, and is {count}: the engine refuses it",
            wanted,
        )
    elif key.endswith("dims") and not all(part.strip().isdecimal() for part in text.split(",")):
        yield _wrong(seen, key, "must be whole numbers: the engine fails on it", wanted)


def _way(seen: Seen, key: str, text: str, wanted: int) -> Iterator[Finding]:
    if "," in text:
        yield from _weights(seen, key, text, wanted)
    elif not (curve := _CURVE.fullmatch(text)) or (curve[2] and arguments.number(curve[2][1:]) is None):
        yield _wrong(
            seen, key,
            f"is neither {wanted} numbers nor one of cosine, sine, linear, reverse_linear, zeros: the engine fails on it", wanted,
        )  # fmt: skip


def _weights(seen: Seen, key: str, text: str, wanted: int) -> Iterator[Finding]:
    parts = text.split(",")
    if any(part and arguments.number(part) is None for part in parts):
        yield _wrong(seen, key, "holds something that is no number: the engine fails on it", wanted)
    elif len(parts) > wanted:
        yield _wrong(
            seen,
            key,
            f"has {len(parts)} numbers for {wanted} blocks: the engine fails on it, or cuts them off",
            wanted,
        )
    elif len(parts) < wanted:
        yield seen.warning(
            "blocks", "network_args",
            f"`network_args`: `{key}` has {len(parts)} numbers for {wanted} blocks: the others get 1.",
            f"Write {wanted} numbers with commas between.",
        )  # fmt: skip


def _wrong(seen: Seen, key: str, why: str, wanted: int) -> Finding:
    hint = (
        f"Write {key} as {wanted} numbers with commas between."
        if wanted > 1
        else f"Write {key} as one number."
    )
    return seen.error("blocks", "network_args", f"`network_args`: `{key}` {why}.", hint)
