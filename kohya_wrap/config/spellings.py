"""Spellings people use, mapped to the engine's own; each mapping is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.config import shown

ALIASES = {
    # The guide's; a name of the engine's *dataset* files: in a training config it is ignored, or wins over
    # train_batch_size, by its place in the file (engine contract, section A).
    "batch_size": "train_batch_size",
    "caption_extention": "caption_extension",  # the engine takes both
    "lr_restart_cycles": "lr_scheduler_num_cycles",  # lora-scripts' train.sh and its config/default.toml
}

# Lists of texts "key=value" for the engine; people write them as tables too.
ARGUMENTS = ("network_args", "optimizer_args", "lr_scheduler_args")


@dataclass(frozen=True)
class Spelled:
    """A key and its value as the engine takes them; `said` is what was changed, in words, empty where nothing was."""

    name: str
    value: Any
    said: str


def engine_name(key: str) -> str:
    """`max-train-epochs`, as on a command line, and the aliases."""
    name = key.replace("-", "_")
    return ALIASES.get(name, name)


def respell(key: str, value: Any) -> Spelled:
    name = engine_name(key)
    mended = _value(name, value)
    said = []
    if name != key:
        said.append(f"`{key}` is the engine's `{name}`")
    if mended is not value and name != "network_alpha":  # 16 for 16.0 is not worth a word
        was, now = as_toml(shown(name, value)), as_toml(shown(name, mended))
        said.append(f"`{name} = {was}` is given as {now}")
    return Spelled(name, mended, "; ".join(said))


def _value(name: str, value: Any) -> Any:
    """Values whose meaning is beyond doubt, in the type the engine needs."""
    if name == "resolution" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value},{value}"
    if name == "resolution" and isinstance(value, list) and len(value) in (1, 2) and _are_ints(value):
        return ",".join(str(side) for side in (value if len(value) == 2 else value * 2))
    if name == "network_alpha" and _are_ints([value]) and abs(value) < 2**63:
        return float(value)  # an int would stand as an int64 tensor in the LoRA (engine contract, section 11)
    if name == "max_data_loader_n_workers" and isinstance(value, float) and value.is_integer():
        return int(value)
    if name in ARGUMENTS and isinstance(value, dict):
        return [f"{key}={_argument(inner, literal=name != 'network_args')}" for key, inner in value.items()]
    return value


def _are_ints(values: list[Any]) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _argument(value: Any, *, literal: bool) -> str:
    """The right side of "key=value": a Python literal for optimizers and schedulers, a text for networks."""
    if literal:
        return repr(tuple(value) if isinstance(value, list) else value)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def as_toml(value: Any) -> str:
    """A value as people write it. With tomlkit: `toml` writes a backslash before an x unescaped."""
    import tomlkit

    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):  # of tables, tomlkit would write several lines
        return "[" + ", ".join(as_toml(inner) for inner in value) + "]"
    text: str = tomlkit.item(value).as_string()
    return text.replace("e-0", "e-") if isinstance(value, float) else text


def flatten(data: Mapping[str, Any], own: frozenset[str]) -> list[tuple[str, str, Any]]:
    """(table, key, value) of all tables but kohya-wrap's own, one level deep as the engine flattens them.

    A table of arguments is no section but one value, wherever it stands.
    """
    flat: list[tuple[str, str, Any]] = []
    for key, value in data.items():
        if isinstance(value, dict) and key not in own and engine_name(key) not in ARGUMENTS:
            flat += [(key, inner, what) for inner, what in value.items()]
        elif key not in own:
            flat.append(("", key, value))
    return flat
