"""Frozen dataclasses of our own shipped data, built from the tables they are written as.

Not by pydantic: importing it takes longer than all the rest of `config check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def build(kind: type[T], data: Mapping[str, Any]) -> T:
    """`data` as a `kind`, nested as its annotations say.

    Raises:
        TypeError: a key that `kind` does not have, or one that it needs is missing.
    """
    make: Any = kind
    hints = _hints(make)
    return kind(**{key: _value(hints.get(key), value) for key, value in data.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        return tuple(_value(inner[0], item) for item in value)
    if get_origin(hint) is dict:
        return {_value(inner[0], key): _value(inner[1], item) for key, item in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    nested = next((kind for kind in inner if is_dataclass(kind)), None)  # X | None
    return _value(nested, value) if nested else value
