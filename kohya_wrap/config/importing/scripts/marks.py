"""What a script does not tell: marks within its texts, each with what stood there and why it is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Of the private use area: in no text that means anything.
_OPEN, _CLOSE = "\ue000", "\ue001"
_OPTION = re.compile(r"(?<![\w-])--[A-Za-z]\w+")
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class Marks:
    def __init__(self) -> None:
        self._all: list[tuple[str, str]] = []
        self._options: dict[int, tuple[str, ...]] = {}

    def put(self, stood: str, why: str, might: Iterable[str] = ()) -> str:
        """A mark to stand for `stood`, which may hold the texts `might`."""
        inner = [text for text in might if text]
        options = [name for text in inner for name in (*_OPTION.findall(text), *self.options(text))]
        self._options[len(self._all)] = tuple(dict.fromkeys(options))
        self._all.append((stood, why))
        return f"{_OPEN}{len(self._all) - 1}{_CLOSE}"

    def shown(self, text: str) -> str:
        """The text as it stood."""
        return _MARK.sub(lambda found: self._all[int(found[1])][0], text)

    def why(self, text: str) -> str:
        """Why it is not known; empty where it is."""
        found = _MARK.search(text)
        return self._all[int(found[1])][1] if found else ""

    def options(self, text: str) -> tuple[str, ...]:
        """The options, "--network_dim", that a text may hold in which there are marks."""
        held = [name for found in _MARK.finditer(text) for name in self._options[int(found[1])]]
        return (*held, *_OPTION.findall(_MARK.sub(" ", text))) if held else ()

    @staticmethod
    def none_in(text: str) -> str:
        """A file's text, in which nobody else's marks stand."""
        return text.replace(_OPEN, "?").replace(_CLOSE, "?")


def marked(text: str) -> bool:
    return _OPEN in text
