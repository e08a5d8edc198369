"""The file of measured runs in the tool's home: a JSON object a line, appended whole, read without what is none."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain import calibration
from kohya_wrap.domain.calibration import Measured
from kohya_wrap.host import whole_file


@dataclass(frozen=True)
class Lines:
    """Of such a file.

    Attributes:
        runs: each once.
        repeated: lines that say what another says.
        refused: number of the line, from 1, and what is wrong with it.
    """

    runs: tuple[Measured, ...] = ()
    repeated: int = 0
    refused: tuple[tuple[int, str], ...] = ()


def read(path: Path, cards: Collection[str]) -> Lines:
    """Args: cards: names of presets. Raises OSError: it cannot be read."""
    runs: dict[Measured, None] = {}
    refused, repeated = [], 0
    for number, line in enumerate(whole_file.read(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            run = calibration.from_dict(_parsed(line), cards)
        except ValueError as error:
            refused.append((number, str(error)))
            continue
        repeated += run in runs
        runs[run] = None
    return Lines(tuple(runs), repeated, tuple(refused))


def of_home(path: Path, cards: Collection[str]) -> Lines:
    """As `read`; before the first run there is none. Raises OSError."""
    return read(path, cards) if path.exists() else Lines()


def append(path: Path, runs: Iterable[Measured]) -> None:
    """By one write at its end, so that two at once lose nothing. Raises OSError."""
    text = "".join(json.dumps(calibration.as_dict(run)) + "\n" for run in runs).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        if os.lseek(descriptor, 0, os.SEEK_END):
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":  # a lost machine has cut the last line short
                text = b"\n" + text
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
