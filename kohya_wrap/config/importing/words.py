"""Words of a command line as the engine's parser takes them: prefixes, lists, `--name=value`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kohya_wrap.domain.options import Option, OptionTable

_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


@dataclass(frozen=True)
class Given:
    """One option of a command line.

    Attributes:
        word: as it stands there, without its value.
        option: the engine's name, or the word's own where there is no such option.
        value: texts as they stand there; True for a switch, empty for a word that is no option's.
        why: what the parser would refuse it for; empty where it would not.
    """

    word: str
    option: str
    value: str | list[str] | bool
    why: str = ""


def read(words: Sequence[str], table: OptionTable) -> Iterator[Given]:
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not _is_option(word):
            yield Given(word, word, "", "it stands alone, and no option takes it")
            continue
        name, equals, text = word.partition("=")
        option, why = _named(name.lstrip("-"), table)
        known = table.get(option)
        if equals:
            yield Given(name, option, *_attached(known, text, why))
        elif known is None:
            yield Given(name, option, _values(rest) or True, why)
        elif known.type == "bool":
            yield Given(name, option, True)
        elif known.type == "list":
            yield Given(name, option, _values(rest))
        elif rest and not _is_option(rest[0]):
            yield Given(name, option, rest.pop(0))
        else:
            yield Given(name, option, True, "it needs a value")


def _attached(known: Option | None, text: str, why: str) -> tuple[str | list[str], str]:
    if known is not None and known.type == "bool":
        return text, "the engine takes this switch without a value"
    return ([text] if known is not None and known.type == "list" else text), why


def _named(name: str, table: OptionTable) -> tuple[str, str]:
    """The option a word means: its name, or the beginning of one and no other."""
    if name in table:
        return name, ""
    meant = [option for option in table if option.startswith(name)]
    if len(meant) == 1:
        return meant[0], ""
    return name, f"it could be {', '.join(sorted(meant))}" if meant else ""


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not _NUMBER.match(word)


def _values(rest: list[str]) -> list[str]:
    taken = []
    while rest and not _is_option(rest[0]):
        taken.append(rest.pop(0))
    return taken
