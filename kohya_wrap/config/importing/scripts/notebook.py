"""A cell of a notebook: its `!` lines are bash, in which {name} and $name are variables of Python."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

from kohya_wrap.config.importing.scripts import bash
from kohya_wrap.config.importing.scripts.marks import Marks
from kohya_wrap.config.importing.scripts.scope import Command

_ASSIGNS = re.compile(r"(?P<indent>\s*)(?P<name>[A-Za-z_]\w*)\s*(?::[^=]+)?\+?=(?!=)\s*(?P<value>.+)")
_EXPRESSION = re.compile(r"(?<!\$)\{([^{}\n]*)\}")


def commands(name: str, text: str, marks: Marks) -> list[Command]:
    return bash.commands(name, "\n".join(_as_bash(text, marks)), marks)


def _as_bash(text: str, marks: Marks) -> Iterator[str]:
    """Line for line, so that the numbers of lines stay."""
    goes_on = whole_cell = False
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if re.match(r"%%(bash|sh|shell)\b", bare):
            whole_cell = True
            yield ""
        elif whole_cell:
            yield line
        elif goes_on or bare.startswith("!"):
            goes_on = bare.endswith("\\")
            yield _filled(line.replace("!", "", 1) if bare.startswith("!") else line, number, marks)
        else:
            yield _assigned(line, number, marks)


def _filled(text: str, line: int, marks: Marks) -> str:
    def variable(found: re.Match[str]) -> str:
        expression = found[1].strip()
        if expression.isidentifier():
            return f"${{{expression}}}"
        return marks.put(found[0], f"line {line}: Python works it out")

    return _EXPRESSION.sub(variable, text)


def _assigned(line: str, number: int, marks: Marks) -> str:
    """A plain value; what Python works out, or sets in a block, is not known."""
    found = _ASSIGNS.fullmatch(line)
    if found is None:
        return ""
    try:
        value = ast.literal_eval(found["value"].strip())
    except (ValueError, SyntaxError):
        value = None
    if (
        found["indent"]
        or "+=" in line.partition(found["value"])[0]
        or not isinstance(value, str | int | float)
    ):
        return f"{found['name']}={marks.put('$' + found['name'], f'line {number}: Python works it out')}"
    return f"{found['name']}={shlex.quote(str(value))}"
