"""What a user does who reads a finding: types what its hint says."""

from __future__ import annotations

import re
from typing import Any

import tomlkit

# `name = value` in a hint, of a text in quotes, a list, or a word.
_WRITTEN = re.compile(r'(\w+) = (\[[^\]]*\]+|"[^"]*"|[\w.+-]*\w)')
_ITEM = re.compile(r'"(\w+)=([^"]*)"|`(\w+)=([^`]*)`')


def followed(file: dict[str, Any], at: str, hint: str) -> dict[str, Any]:
    """The file after the hint: its lines written, its items put into `at`, else the line `at` removed."""
    if hint.startswith("Remove the line, and write"):
        file = {name: value for name, value in file.items() if name != at}
    if written := _WRITTEN.findall(hint):
        return file | {name: tomlkit.parse(f"v = {value}").unwrap()["v"] for name, value in written}
    if items := [(a or c, b or d) for a, b, c, d in _ITEM.findall(hint)]:
        kept = [item for item in file[at] if item.partition("=")[0] not in dict(items)]
        return file | {at: [*kept, *(f"{key}={value}" for key, value in items)]}
    if named := re.match(r"Remove `(\w+)`", hint):
        if named[1] in file:
            return {name: value for name, value in file.items() if name != named[1]}
        return file | {at: [item for item in file[at] if item.partition("=")[0] != named[1]]}
    assert "emove the line" in hint or "Remove one of the two" in hint, hint
    return {name: value for name, value in file.items() if name != at}
