"""What a picture is called in the concept folder: by its source, unique, and safe for every tool that reads it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_BYTES = 200  # file systems allow 255, and endings and the names of caches come on top


class Names:
    """Stems that are taken, without regard to capitals: `a.png` and `A.jpg` would share caption and cache."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {stem.casefold() for stem in taken}

    def free(self, stem: str) -> str:
        """`a`, or `a-2` where that is taken; taken from now on."""
        clean = _clean(stem)
        name, number = clean, 2
        while name.casefold() in self._taken:
            name, number = f"{clean}-{number}", number + 1
        self._taken.add(name.casefold())
        return name


def _clean(stem: str) -> str:
    letters = unicodedata.normalize("NFC", stem)
    kept = "".join(
        letter if letter.isprintable() and letter not in '\\/:*?"<>|' else "_" for letter in letters
    )
    short = kept.encode()[:_BYTES].decode(errors="ignore")
    return short.strip(" .") or "picture"
