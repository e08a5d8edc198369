"""Spellings people use, mapped to the engine's own; each mapping is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The guide's `batch_size` is a name of the engine's *dataset* files; in a training config it is ignored, or
# wins over train_batch_size, by its place in the file (engine contract, section A).
ALIASES = {"batch_size": "train_batch_size", "caption_extention": "caption_extension"}


def respell(key: str, value: Any) -> tuple[str, Any, str]:
    """(engine's key, engine's value, what was changed in words; empty where nothing was)."""
    name = ALIASES.get(key, key)
    mended = _value(name, value)
    said = []
    if name != key:
        said.append(f"`{key}` is the engine's `{name}`")
    if mended is not value:
        said.append(f"`{name} = {as_toml(value)}` is given as {as_toml(mended)}")
    return name, mended, "; ".join(said)


def _value(name: str, value: Any) -> Any:
    """Values whose meaning is beyond doubt, in the type the engine needs."""
    if name == "resolution" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value},{value}"
    if name == "resolution" and isinstance(value, list) and all(isinstance(side, int) for side in value):
        return ",".join(str(side) for side in (value if len(value) == 2 else value * 2))
    if name == "network_alpha" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)  # an int would stand as an int64 tensor in the LoRA (engine contract, section 11)
    if name == "max_data_loader_n_workers" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def loud(key: str, name: str, said: str) -> bool:
    """Whether a mapping is worth a word: an alpha written 16 for 16.0 is not."""
    return bool(said) and name != "network_alpha"


def as_toml(value: Any) -> str:
    """A value as people write it. With tomlkit: `toml` writes a backslash before an x unescaped."""
    import tomlkit

    text: str = tomlkit.item(value).as_string()
    return text.replace("e-0", "e-") if isinstance(value, float) else text


def flatten(data: Mapping[str, Any], own: frozenset[str]) -> list[tuple[str, str, Any]]:
    """(table, key, value) of all tables but kohya-wrap's own, one level deep as the engine flattens them."""
    flat: list[tuple[str, str, Any]] = []
    for key, value in data.items():
        if isinstance(value, dict) and key not in own:
            flat += [(key, inner, what) for inner, what in value.items()]
        elif not isinstance(value, dict):
            flat.append(("", key, value))
    return flat
