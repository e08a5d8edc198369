"""Commands that name a script and do not start it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NO_START = frozenset({
    "echo", "printf", "print", "write-host", "write-output", "write-verbose", "write-information", "out-file", "set-content",
    "cat", "type", "less", "more", "head", "tail", "ls", "dir", "test-path", "get-content", "get-item", "test", "[", "[[",
    "cp", "copy", "mv", "move", "rm", "del", "ln", "touch", "mkdir", "chmod", "chown", "grep", "sed", "awk", "wc", "diff",
    "wget", "curl", "git", "pip", "cd", "pushd", "which", "where", "exit", "return", "throw", "rem", "title", ":",
})  # fmt: skip


def starts_nothing(words: Sequence[str]) -> bool:
    """Whether the first word is of a command that shows, moves or fetches what is named after it."""
    first = next(iter(words), "")
    return re.sub(r"\.exe\Z", "", re.split(r"[/\\]", first)[-1].lower()) in _NO_START
