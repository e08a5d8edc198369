"""The keys of `network_args`, `optimizer_args` and `lr_scheduler_args`, and what a value for one must be."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One key of an option whose items are texts "key=value".

    Attributes:
        type: "bool" | "int" | "float" | "str" | "list" (of numbers) | "flag" (any text at all turns it on)
            | "name-or-file" (one of the choices, or a file) | "any" (not known).
        choices: empty where any value of the type is taken.
        literal: the engine reads the value as a Python literal (optimizers, schedulers); else it stays a text,
            which the network module converts.
    """

    name: str
    type: str
    choices: tuple[str, ...] = ()
    literal: bool = False

    def refuses(self, text: str) -> str:
        """Why the engine could not use the text after "key=", in words; empty where it can."""
        if self.choices and not self._is_a_choice(text):
            return f"must be one of {', '.join(self.choices)}, not {text!r}"
        fits = self._fits_literal(text) if self.literal else self._fits_text(text)
        return "" if fits else f"must be {self._expected}, not {text!r}"

    def _is_a_choice(self, text: str) -> bool:
        if self.type == "name-or-file" and ("/" in text or "." in text):
            return True
        return (text.lower() if self.type == "str" else text) in self.choices

    @property
    def _expected(self) -> str:
        if self.type == "list":
            return "numbers in brackets, e.g. [0.9, 0.99]" if self.literal else "numbers with commas between"
        words = {
            "bool": "True or False",
            "int": "a whole number",
            "float": "a number",
            "flag": "True or left out (any text turns it on)",
        }
        texts = (
            "a text in quotes" if self.type == "str" else "a Python value (True, 0.1, [0.9, 0.99], 'a text')"
        )
        return words.get(self.type, texts)

    def _fits_text(self, text: str) -> bool:
        if self.type == "bool":
            return text.lower() in ("true", "false")
        if self.type == "flag":
            return text.lower() == "true"
        if self.type == "int":
            return _converts(int, text)
        if self.type == "float":
            return _converts(float, text)
        return self.type != "list" or all(_converts(float, part) for part in text.split(","))

    def _fits_literal(self, text: str) -> bool:
        """As the engine reads it: split at every "=", then ast.literal_eval."""
        try:
            value = ast.literal_eval(text.lstrip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return False
        if "=" in text:
            return False
        return value is None or self._fits_value(value)

    def _fits_value(self, value: Any) -> bool:
        if self.type == "int":
            return isinstance(value, int)
        if self.type == "float":
            return isinstance(value, int | float)
        if self.type == "bool":
            return value in (0, 1)
        if self.type == "list":
            return isinstance(value, list | tuple) and all(isinstance(i, int | float | None) for i in value)
        return self.type != "str" or isinstance(value, str)


def _converts(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
