"""The engine's options at the pin, and what a value for one must be."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The parser takes "100", "0.05" and "10%" for these on a command line, but converts nothing from a file.
_NUMBERS = frozenset({"lr_warmup_steps", "lr_decay_steps"})


@dataclass(frozen=True)
class Option:
    """One option of an entry script.

    Attributes:
        type: "bool" | "int" | "float" | "str" | "list" (of strings, or of floats where `item` says so)
            | "any" (the engine's parser converts it by a function of its own).
        item: type of a list's items.
        choices: empty where anything of the type is taken.
        default: the parser's own default, None where it has none.
    """

    name: str
    type: str
    item: str
    choices: tuple[Any, ...]
    default: Any

    def refuses(self, value: Any) -> str:
        """Why the engine could not use this value, in words; empty where it can.

        The engine's TOML reader converts and checks nothing (engine contract, section A), so this is
        the only place where a wrong type is seen before it costs money.
        """
        if value is None:
            return ""
        if not self._fits(value):
            return f"must be {self._expected}, not {value!r}"
        if self.choices and value not in self.choices:
            known = ", ".join(str(choice) for choice in self.choices if choice is not None)
            return f"must be one of {known}, not {value!r}"
        return ""

    @property
    def _expected(self) -> str:
        if self.type == "list":
            return "a list of numbers" if self.item == "float" else "a list of texts in quotes"
        words = {"bool": "true or false", "int": "a whole number", "float": "a number"}
        return "a number of 0 or more" if self.name in _NUMBERS else words.get(self.type, "a text in quotes")

    def _fits(self, value: Any) -> bool:
        if self.type == "bool":
            return isinstance(value, bool)
        if self.type == "int":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        if self.type == "float":
            return _is_number(value)
        if self.type == "str":
            return isinstance(value, str)
        if self.type == "list":
            return self._fits_list(value)
        if self.name in _NUMBERS:
            return _is_number(value) and value >= 0
        return isinstance(value, str)

    def _fits_list(self, value: Any) -> bool:
        if self.item == "float" and not isinstance(value, list):
            value = [value]  # one rate alone is fine for the text encoders (engine contract, section A)
        if not isinstance(value, list):
            return False
        return all(_is_number(item) if self.item == "float" else isinstance(item, str) for item in value)


def _is_number(value: Any) -> bool:
    """One that a float can hold: no infinity, no NaN, no whole number of 400 digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


OptionTable = Mapping[str, Option]


def nearest(name: str, table: OptionTable) -> str:
    """The option that was probably meant, or an empty text."""
    close = difflib.get_close_matches(name, list(table), n=1, cutoff=0.75)
    return close[0] if close else ""
