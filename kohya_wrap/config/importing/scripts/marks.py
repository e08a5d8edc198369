"""What a script does not tell: marks within its texts, each with what stood there and why it is not known."""

from __future__ import annotations

import re

# Of the private use area: in no text that means anything.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class Marks:
    def __init__(self) -> None:
        self._all: list[tuple[str, str]] = []

    def put(self, stood: str, why: str) -> str:
        """A mark to stand for `stood`."""
        self._all.append((stood, why))
        return f"{_OPEN}{len(self._all) - 1}{_CLOSE}"

    def shown(self, text: str) -> str:
        """The text as it stood."""
        return _MARK.sub(lambda found: self._all[int(found[1])][0], text)

    def why(self, text: str) -> str:
        """Why it is not known; empty where it is."""
        found = _MARK.search(text)
        return self._all[int(found[1])][1] if found else ""

    @staticmethod
    def none_in(text: str) -> str:
        """A file's text, in which nobody else's marks stand."""
        return text.replace(_OPEN, "?").replace(_CLOSE, "?")


def marked(text: str) -> bool:
    return _OPEN in text
