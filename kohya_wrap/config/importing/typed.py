"""Values as other tools keep them, in the type the engine's option needs."""

from __future__ import annotations

import math
from typing import Any

from kohya_wrap.domain.options import Option

_TRUTH = {"true": True, "false": False, "1": True, "0": False}


def convert(option: Option, raw: Any) -> Any:
    """`raw` in the option's type.

    Raises:
        ValueError: it cannot be meant so.
    """
    if option.type == "list":
        return _items(option, raw)
    return _one(option.type, option.name, raw)


def _items(option: Option, raw: Any) -> Any:
    if option.item == "float":
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return float(raw)
        values = [number(item) for item in (raw if isinstance(raw, list) else str(raw).split())]
        return values[0] if len(values) == 1 else values
    if isinstance(raw, list):
        return [str(item) for item in raw]
    return str(raw).replace('"', "").split()


def _one(kind: str, name: str, raw: Any) -> Any:
    if kind == "bool":
        return _truth(raw)
    if kind == "int":
        return _whole(raw)
    if kind == "float":
        return number(raw)
    if name in ("lr_warmup_steps", "lr_decay_steps"):
        return _steps(raw)
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        return str(raw)
    raise ValueError(raw)


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    try:
        return _TRUTH[str(raw).strip().lower()]
    except KeyError:
        raise ValueError(raw) from None


def number(raw: Any) -> float:
    """A number, or the text of one. Raises ValueError: it is neither."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ValueError(raw)
    try:
        read = float(raw)
    except OverflowError:
        raise ValueError(raw) from None
    if not math.isfinite(read):
        raise ValueError(raw)
    return read


def _whole(raw: Any) -> int:
    """Exactly, where it is one already: a seed may have more digits than a float."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().isdecimal():
        return int(raw)
    read = number(raw)
    if not read.is_integer():
        raise ValueError(raw)
    return int(read)


def _steps(raw: Any) -> int | float:
    """As the engine's parser reads a text: "10%", a part of all steps below 1, else whole steps."""
    if isinstance(raw, str) and raw.endswith("%"):
        return number(raw[:-1]) / 100
    read = number(raw)
    whole = isinstance(raw, int) or read == 0 or (isinstance(raw, str) and read >= 1)
    return int(read) if whole else read
