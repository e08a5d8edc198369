"""Every combination of some options' values, each with a name of its own for what it makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any


def combinations(axes: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, str]]:
    """All of them, the last axis varying fastest: (option, its values) each."""
    names = [name for name, _ in axes]
    return [dict(zip(names, values, strict=True)) for values in product(*(values for _, values in axes))]


def values_of(text: str) -> list[str]:
    """`16,32` -> 16, 32; values that hold commas themselves are told apart by semicolons: `512,512;768,768`."""
    apart = ";" if ";" in text else ","
    return [value.strip() for value in text.split(apart)]


def name_of(name: str, combination: Mapping[str, Any]) -> str:
    """What it writes, in whatever order and spelling it was typed: `my-lora-network_dim16-unet_lr1e-4`.

    Args:
        combination: option -> the value that is meant.
    """
    parts = (f"{key.rpartition('.')[2]}{text_of(value)}" for key, value in sorted(combination.items()))
    return "-".join([name, *(re.sub(r"[^\w.+-]+", "_", part).strip("_") for part in parts)])


def text_of(value: Any) -> str:
    """As most people write it: 0.0001 as 1e-4, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if not isinstance(value, float):
        return json.dumps(value, ensure_ascii=False, default=str)
    exact = Decimal(str(value)).normalize()
    return f"{exact:f}" if value.is_integer() else min(f"{exact:f}", f"{exact:e}", key=len)
