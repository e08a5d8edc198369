"""A script's text as statements, and a statement as words, with the variables that are known filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

_CONTINUED = re.compile(r"(?:[ \t]*\\|[ \t]+[`^])\r?\n")
_USE = re.compile(
    r"\$\{(?P<braced>\w+)(?:\[[@*]\])?(?::?-(?P<otherwise>[^}]*))?\}|\$(?P<plain>\w+)|%(?P<cmd>\w+)%"
)
_WHOLE_LIST = re.compile(
    r"\"\$\{(\w+)\[@\]\}\""
)  # each item one word; without the quotes each is split at its spaces
_SINGLE_QUOTED = re.compile(r"'[^']*'")


def statements(text: str) -> Iterator[str]:
    """Continued lines joined, comments left out, `a; b` as two."""
    for line in _CONTINUED.sub(" ", text).splitlines():
        if not line.strip().lower().startswith(("::", "rem ")):
            yield from _split(line)


def _split(line: str) -> Iterator[str]:
    part, quote, before = "", "", " "
    for char in line:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#" and before.isspace():
            break
        elif char == ";":
            yield part.strip()
            part, before = "", " "
            continue
        part, before = part + char, char
    yield part.strip()


def words(text: str) -> tuple[str, ...]:
    # A backslash is a folder's in the Windows paths that such scripts are full of.
    try:
        return tuple(shlex.split(re.sub(r"\\(?=[\w. -])", r"\\\\", text)))
    except ValueError:  # a quote that is never closed
        return tuple(text.split())


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables filled in, but for what stands in single quotes; what is not known stays.

    Args:
        variables: a list `x` stands there as "x", its items with spaces between, and as "x[@]", each item quoted.
    """
    text = _WHOLE_LIST.sub(lambda found: variables.get(f"{found[1]}[@]", found[0]), text)

    def value(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"] or found["cmd"]
        otherwise: str | None = found["otherwise"]
        return variables.get(name, found[0] if otherwise is None else otherwise)

    parts, last = [], 0
    for quoted in _SINGLE_QUOTED.finditer(text):
        parts += [_USE.sub(value, text[last : quoted.start()]), quoted[0]]
        last = quoted.end()
    return "".join([*parts, _USE.sub(value, text[last:])])


def uses_variables(text: str) -> bool:
    return bool(_USE.search(text))
