"""Training scripts followed as far as they are plain: what they set, which branch they take, what they start.

Nothing is run. What a script computes stays unknown, and so does all that depends on it; both are said by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kohya_wrap.config.importing.scripts import bash, cmd, notebook, powershell
from kohya_wrap.config.importing.scripts.marks import Marks
from kohya_wrap.config.importing.scripts.scope import Command
from kohya_wrap.config.importing.scripts.starts import starts_nothing

__all__ = ["Script", "follow", "starts_nothing"]

# A script is told by what stands in it; the first that fits. How it continues a line is the surest sign.
_SIGNS: tuple[tuple[Callable[[str, str, Marks], list[Command]], str], ...] = (
    (bash.commands, r"\A#!"),
    (notebook.commands, r"^[ \t]*(!.*\.py\b|%%(bash|sh|shell)\b)"),
    (cmd.commands, r"^[ \t]*@?echo off|\^[ \t]*\r?$"),
    (powershell.commands, r"[ \t]`[ \t]*\r?$"),
    (bash.commands, r"[ \t]\\[ \t]*\r?$"),
    (powershell.commands, r"^[ \t]*(\$[\w:]+[ \t]*\+?=|\[void\]|& )"),
    (cmd.commands, r"^[ \t]*(@?(set|rem|call)[ \t]|::)|%\w+%"),
    (cmd.commands, r"""(?<!["'\w])[A-Za-z]:\\"""),  # an open path of Windows
    (bash.commands, r""),
)


@dataclass(frozen=True)
class Script:
    commands: tuple[Command, ...]
    marks: Marks


def follow(name: str, text: str) -> Script:
    """The commands of a script. Raises ConfigError: a quote or bracket is never closed, or a line goes on nowhere."""
    marks, text = Marks(), Marks.none_in(text)
    read = next(read for read, sign in _SIGNS if re.search(sign, text, re.MULTILINE | re.IGNORECASE))
    return Script(tuple(read(name, text, marks)), marks)
