"""The standard streams, made so that nobody reading them is no reason for the work to fail."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class _Unfailing(io.FileIO):
    """A full disk, a reader that left (`| head`), a lost terminal: what cannot be written is dropped."""

    def write(self, text: Any) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)


def open_to_all() -> None:
    """Closed streams (`>&-`) swallow, the others never raise, and what a code page lacks becomes a question mark. Lines are
    written as they are said."""
    for number in range(3):  # else the next file that is opened, a lock say, takes their place
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, number in (("stdout", 1), ("stderr", 2)):
        setattr(sys, name, _unfailing(getattr(sys, name), number))


def _unfailing(stream: Any, number: int) -> Any:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED there is no buffer between
    if stream is not None and type(raw) is not io.FileIO:  # a Windows console, a test's own
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Unfailing(number, "wb", closefd=False)),
        encoding=stream.encoding if stream else "utf-8",
        errors="replace",
        line_buffering=True,  # also into a file or a pipe: a run lasts for hours, and may be killed
    )
