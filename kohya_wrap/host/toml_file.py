"""TOML files: the user's, read with the line of every key; the engine's, written with its own parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.errors import ConfigError
from kohya_wrap.host import atomic

_KEY = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")
_TABLE = re.compile(r"\s*\[+\s*([^\],]+?)\s*\]+\s*(?:#.*)?$")  # not a row of a list of lists


@dataclass(frozen=True)
class UserToml:
    """The user's file: its tables and flat keys as plain values, and where each key stands.

    Attributes:
        lines: (table or "", key) -> 1-based line.
    """

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[tuple[str, str], int]

    def where(self, table: str, key: str) -> str:
        line = self.lines.get((table, key))
        return f"{self.path.name}:{line}" if line else self.path.name


def read(path: Path) -> UserToml:
    """Read TOML 1.0.

    Raises:
        ConfigError: no such file, a folder, not UTF-8, or a syntax error (line, column and the line shown).
    """
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    text = _text(path)
    try:
        data = tomlkit.parse(text).unwrap()
    except ParseError as error:
        shown = text.splitlines()[error.line - 1].strip() if error.line <= len(text.splitlines()) else ""
        raise ConfigError(
            f"{path.name}:{error.line}:{error.col + 1} is not TOML: {shown}",
            why=str(error).split(" at line")[0] + ".",
            hint="Mend that line; texts need quotes, lists brackets, and every key stands once.",
        ) from error
    except TOMLKitError as error:
        raise ConfigError(
            f"{path.name} is not TOML: {error}",
            why="Each key may stand once in its section.",
            hint="Mend that key and run again.",
        ) from error
    return UserToml(path, data, _lines(text))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is not there.",
            why="No config has been made in this folder yet, or it has another name.",
            hint="kohya-wrap init   (or: kohya-wrap run path/to/training_config.toml)",
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path} is a folder.",
            why="A config is one TOML file.",
            hint=f"kohya-wrap run {shlex.quote(str(path / 'training_config.toml'))}",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 (byte {error.start}).",
            why="It was saved in another encoding, or is no text.",
            hint="Save it as UTF-8 in your editor.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.",
            why="Its rights or the disk do not allow it.",
            hint=f"ls -l {shlex.quote(str(path))}",
        ) from error


def _lines(text: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = match[1]
        elif match := _KEY.match(line):
            found.setdefault((table, match[1]), number)
    return found


def write_engine(path: Path, values: Mapping[str, Any]) -> None:
    """Write what the engine reads, with `toml`, and read it back before it counts.

    Raises:
        ConfigError: `toml` 0.10.2 would give the engine other values than these.
    """
    import toml

    lost = [key for key, value in sorted(values.items()) if not _survives(key, value)]
    if lost:
        raise ConfigError(
            f"The engine's TOML reader would lose or change {', '.join(lost)}.",
            why="It is an old reader: lists must hold one type of value, texts no control characters.",
            hint="Write these values more simply.",
        )
    atomic.write_text(path, toml.dumps(dict(values)))


def _survives(key: str, value: Any) -> bool:
    import toml

    try:
        return bool(toml.loads(toml.dumps({key: value})) == {key: value})
    except (ValueError, IndexError):  # what the reader raises for what its own writer wrote
        return False
