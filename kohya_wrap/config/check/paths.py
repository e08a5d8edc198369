"""Paths that name nothing, or hold a variable that nobody replaces."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.user import PATHS
from kohya_wrap.domain.finding import Finding

# What an empty text does; where it is as good as none, nothing is said.
_EMPTY = {
    "train_data_dir": "the engine finds no image and ends",
    "caption_extension": "the engine looks for captions without an ending and finds none",
    "logging_dir": "the engine writes its logs to the root of the disk",
    "vae": "the engine fails on it",
    "network_weights": "the engine fails on it",
    "log_tracker_config": "the engine fails on it",
}
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|%[A-Za-z_]\w*%|(?<=/)~[^/]*")
_WINDOWS = re.compile(r"(?:^|/)([A-Za-z]:[\\/].*|\\\\\w.*)")


def empty(seen: Seen) -> Iterator[Finding]:
    for name, so in _EMPTY.items():
        if seen.get(name) == "":
            yield seen.error("empty", name, f"`{name}` is empty: {so}.", "Remove the line.")
    if "" in seen.get("base_weights", ()):
        yield seen.error(
            "empty",
            "base_weights",
            "`base_weights` holds an empty text: the engine fails on it.",
            "Remove it.",
        )


def windows(seen: Seen) -> Iterator[Finding]:
    """Where the engine would make such a folder; files that it reads are missed elsewhere."""
    for name in ("output_dir", "logging_dir", "console_log_file"):
        if path := of_windows(seen.get(name)):
            yield seen.warning(
                "windows-path", name, f"`{name}`: {path} is a path of Windows, and here it is one odd name in this folder.",
                f'Write {name} = "./{"output" if name == "output_dir" else "logs"}", or a path of this machine.',
            )  # fmt: skip


def of_windows(path: object) -> str:
    """The path as it was written, C:\\models\\x; empty on Windows, and where it is none of its paths."""
    found = _WINDOWS.search(path) if isinstance(path, str) and os.name != "nt" else None
    return found[1] if found else ""


def unreplaced(path: str) -> str:
    """The variable, or the `~name`, in a path that does not exist; empty where it holds none."""
    held = _VARIABLE.search(path)
    return held[0] if held and not Path(path).exists() else ""


def variables(seen: Seen) -> Iterator[Finding]:
    for name in sorted(PATHS):
        value = seen.get(name)
        for path in value if isinstance(value, list) else [value]:
            if path and (held := unreplaced(path)):
                yield seen.error(
                    "variable-in-path", name, f"`{name}`: nobody replaces {held} in {path}.",
                    "Write the path itself; `~/` alone stands for your home folder.",
                )  # fmt: skip
