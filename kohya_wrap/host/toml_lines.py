"""Where each key and section of a TOML text stands: the parsers of the field do not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
    | (?P<comment>\#[^\n]*) | (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<equals>=) | (?P<end>\n)
    | (?P<word>[\w-]+) | .
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Place:
    """One statement of a text that is TOML.

    Attributes:
        path: the section's names and the key's.
        header: "[" for `[section]`, "[[" for one of a list of sections, empty for `key = value`.
        first, last: 1-based lines.
    """

    path: tuple[str, ...]
    header: str
    first: int
    last: int


def places(text: str) -> Iterator[Place]:
    """Every section header and every `key = value`, in order."""
    table: tuple[str, ...] = ()
    names: list[str] = []
    header, value = "", False
    line = began = 1
    depth = 0
    for token in _TOKEN.finditer(text + "\n"):
        kind, word = token.lastgroup, token.group()
        if kind == "end" and depth == 0:
            if header:
                table = tuple(names)
                yield Place(table, header, line, line)
            elif value:
                yield Place((*table, *names), "", began, line)
            names, header, value = [], "", False
        elif kind == "open" and value:
            depth += 1
        elif kind == "close" and value:
            depth -= 1
        elif kind == "open":
            header += "["
        elif kind == "equals" and not value:
            value, began = True, line
        elif kind in ("word", "text") and not value:
            names.append(_named(word) if kind == "text" else word)
        line += word.count("\n")


def _named(quoted: str) -> str:
    """The key that stands in quotes; as it is written where that is no TOML."""
    if "\\" in quoted:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        with suppress(TOMLKitError):
            return str(tomlkit.parse(f"key = {quoted}")["key"])
    return quoted[1:-1]


def first(text: str) -> dict[tuple[str, ...], int]:
    """Path -> the line where it is first named; a section that only dotted keys make stands where they begin."""
    found: dict[tuple[str, ...], int] = {}
    for place in places(text):
        for length in range(1, len(place.path) + 1):
            found.setdefault(place.path[:length], place.first)
    return found


def comments(text: str) -> list[str]:
    """Every comment, from its # to the end of its line."""
    return [found.group().rstrip() for found in _TOKEN.finditer(text) if found.lastgroup == "comment"]


def twice(text: str) -> tuple[str, int, int] | None:
    """The first key or section that stands a second time, as people write it, and both its lines."""
    seen: dict[tuple[tuple[str, ...], bool], int] = {}
    for place in places(text):
        if place.header == "[[":  # may stand again, with the same keys
            seen = {key: line for key, line in seen.items() if key[0][: len(place.path)] != place.path}
            continue
        before = seen.setdefault((place.path, bool(place.header)), place.first)
        if before != place.first:
            name = ".".join(place.path)
            return (f"[{name}]" if place.header else f"`{place.path[-1]}`"), before, place.first
    return None
