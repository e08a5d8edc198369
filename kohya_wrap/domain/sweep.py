"""Every combination of some options' values, each with a name of its own for what it makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product


def combinations(axes: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, str]]:
    """All of them, the last axis varying fastest: (option, its values) each."""
    names = [name for name, _ in axes]
    return [dict(zip(names, values, strict=True)) for values in product(*(values for _, values in axes))]


def values_of(text: str) -> list[str]:
    """`16,32` -> 16, 32; values that hold commas themselves are told apart by semicolons: `512,512;768,768`."""
    apart = ";" if ";" in text else ","
    return [value.strip() for value in text.split(apart)]


def name_of(name: str, combination: dict[str, str]) -> str:
    """What it writes: `my-lora-network_dim16-unet_lr1e-4`."""
    parts = (f"{key.rpartition('.')[2]}{value}" for key, value in combination.items())
    return "-".join([name, *(re.sub(r"[^\w.+-]+", "_", part).strip("_") for part in parts)])
