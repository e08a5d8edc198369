"""The variables of the container this runs in, also where this shell was not given them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# An SSH session has none of the container's variables: both providers leave them in one of these.
_FILES = ("etc/rp_environment", "etc/environment")
_FIRST_PROCESS = "proc/1/environ"


@dataclass
class Variables:
    env: Mapping[str, str]
    root: Path
    _found: dict[str, str] | None = None

    def __call__(self, name: str) -> str:
        if self.env.get(name):
            return self.env[name]
        if self._found is None:
            readers: list[tuple[str, Callable[[str], Iterator[tuple[str, str]]]]] = [
                (_FIRST_PROCESS, _of_process),
                *((path, _of_shell) for path in reversed(_FILES)),
            ]
            self._found = {}
            for path, read in readers:  # the last one wins
                self._found.update(read(_text(self.root / path)))
        return self._found.get(name, "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not there, or another user's
        return ""


def _of_process(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split("\0"):
        name, _, value = word.partition("=")
        yield name, value


def _of_shell(text: str) -> Iterator[tuple[str, str]]:
    """NAME=value, also quoted or exported, one a line."""
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                yield name, value
