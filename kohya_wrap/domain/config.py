"""A training config as values that know where they came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

# Options whose values are never shown, in no output and no error, and the variables by which the engine's libraries
# take the same: no file of a run need hold them.
SECRETS = {"wandb_api_key": "WANDB_API_KEY", "huggingface_token": "HF_TOKEN"}


# And what files from elsewhere call them, or what is one by its looks.
_SECRET_NAME = re.compile(r"(token|api_?key|password|secret)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\bhf_\w{16,}|wandb.{0,20}?\b[0-9a-f]{40}\b", re.IGNORECASE)


def shown(name: str, value: Any) -> Any:
    """The value as it may be printed."""
    secret = name in SECRETS or _SECRET_NAME.search(name) or _SECRET_VALUE.search(str(value))
    return "(not shown)" if secret and value else value


class Origin(IntEnum):
    """Where a value comes from, weakest first; the strongest that says anything wins."""

    ENGINE = 0
    WRAPPER = 1
    FAMILY = 2
    RECIPE = 3
    GPU = 4
    FILE = 5
    ENVIRONMENT = 6
    COMMAND_LINE = 7
    HARDWARE = 8  # only what the machine cannot do


@dataclass(frozen=True)
class Value:
    """One option's value; `detail` names the file and line, the preset or the variable."""

    value: Any
    origin: Origin
    detail: str = ""


@dataclass(frozen=True)
class Layer:
    """All that one origin says."""

    origin: Origin
    values: Mapping[str, Any]
    detail: str = ""
    details: Mapping[str, str] = field(default_factory=dict)  # per key, where it is finer than `detail`


@dataclass(frozen=True)
class TrainingConfig:
    """The effective config: option name -> Value."""

    values: Mapping[str, Value]

    def get(self, name: str, default: Any = None) -> Any:
        found = self.values.get(name)
        return default if found is None or found.value is None else found.value

    def origin(self, name: str) -> Origin | None:
        found = self.values.get(name)
        return None if found is None else found.origin

    def detail(self, name: str) -> str:
        """The line, preset or variable that the value comes from; empty where nothing more is known."""
        found = self.values.get(name)
        return "" if found is None else found.detail

    def with_layer(self, layer: Layer) -> TrainingConfig:
        """The same config with one more layer, decided by the same precedence."""
        return TrainingConfig(_settle(dict(self.values), [layer]))

    def plain(self) -> dict[str, Any]:
        return {name: value.value for name, value in sorted(self.values.items()) if value.value is not None}


def settle(layers: Iterable[Layer]) -> TrainingConfig:
    """The one function that decides which origin wins, whatever order the layers come in."""
    return TrainingConfig(_settle({}, layers))


def _settle(values: dict[str, Value], layers: Iterable[Layer]) -> dict[str, Value]:
    for layer in layers:
        for name, value in layer.values.items():
            held = values.get(name)
            if held is None or layer.origin >= held.origin:
                values[name] = Value(value, layer.origin, layer.details.get(name, layer.detail))
    return values
