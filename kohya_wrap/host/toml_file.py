"""TOML files: the user's, read with the line of every key; the engine's, written with its own parser."""

from __future__ import annotations

import json
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.domain import gui_file
from kohya_wrap.domain.config import SECRETS
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import atomic, toml_lines

_SHOWN = 200  # letters of a line in a message
LARGEST = 1 << 20  # bytes; a config of all options with a comment each has a tenth of it


@dataclass(frozen=True)
class UserToml:
    """The user's file: its tables and flat keys as plain values, and where each key stands.

    Attributes:
        text: as it stands on disk, less a byte-order mark.
        lines: path of keys -> 1-based line.
    """

    path: Path
    text: str
    data: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def line(self, table: str, key: str) -> int:
        """Where the key stands, else the table that holds it (an inline one); 0: nowhere."""
        return self.lines.get((table, key) if table else (key,)) or self.lines.get((table,), 0)

    def where(self, table: str, key: str) -> str:
        line = self.line(table, key)
        return f"{self.path.name}:{line}" if line else self.path.name


def read(path: Path) -> UserToml:
    """Read TOML 1.0.

    Raises:
        ConfigError: no such file, a folder, a pipe or device, too large, not UTF-8, JSON, or a syntax error (line, column and the
            line shown).
    """
    return of_text(text(path), path)


def of_text(text: str, path: Path) -> UserToml:
    """As `read`, of a text that stands or will stand in `path`."""
    return UserToml(path, text, parse(text, path), toml_lines.first(text))


def parse(text: str, path: Path) -> dict[str, Any]:
    """The text's values. Raises ConfigError, as `read`."""
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        data: dict[str, Any] = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        if text.lstrip().startswith(("{", "[")) and (as_json := _json(text)) is not None:
            raise _is_json(path, as_json) from error
        broken = error.line if isinstance(error, ParseError) else None
        if (twice := toml_lines.twice(text)) and (broken is None or twice[2] <= broken):
            raise _twice(path, *twice) from error
        if isinstance(error, ParseError):
            raise _syntax(path, text, error.line, error.col + 1, str(error)) from error
        raise ConfigError(
            f"{path.name} is not TOML: {error}",
            why="A name is used both for a value and for a section.",
            hint="Mend that key and run again.",
        ) from error
    return data


def _syntax(path: Path, text: str, line: int, column: int, said: str) -> ConfigError:
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    if any(secret in shown for secret in SECRETS):
        shown = f"{shown.partition('=')[0].strip()} = (not shown)"
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    # The parser speaks of the line's end as of a character that must not be in a text.
    if "\\u000a" in said or "\\u000d" in said:
        why = "A quote is never closed: its text ends with the line"
    elif "end of file" in said or (
        "'\\x00'" in said and "\0" not in text
    ):  # and of the file's end as of a NUL
        why = "The file ends too early: a value, a quote or a bracket is lacking"
    else:
        why = said.split(" at line")[0]
    return ConfigError(
        f"{path.name}:{line}:{column} is not TOML: {shown}",
        why=f"{why}.",
        hint="Mend that line; texts need quotes, lists brackets, and every key stands once.",
    )


def _twice(path: Path, key: str, first: int, second: int) -> ConfigError:
    return ConfigError(
        f"{path.name}:{second}: {key} is given twice, first at line {first}.",
        why="In TOML each section, and each key in it, stands once.",
        hint="Keep one of the two.",
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_json(path: Path, data: Any) -> ConfigError:
    if gui_file.looks_like_one(data):
        return ConfigError(
            f"{path} is JSON, as the kohya_ss GUI saves its configs.",
            why="A config of kohya-wrap is TOML, with the engine's own options.",
            hint=f"kohya-wrap config import {shlex.quote(str(path))}",
        )
    return ConfigError(
        f"{path} is JSON, and no training config.",
        why=f"It has none of the fields of a kohya_ss GUI config: {', '.join(gui_file.SIGNS)}.",
        hint="Name the training_config.toml, or make one: kohya-wrap init",
    )


def text(path: Path) -> str:
    """The file's text, line ends as they are. Raises ConfigError: as `read`, but for what is wrong in the text."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise _no_file(path)
        if stat.S_ISREG(found.st_mode) and found.st_size > LARGEST:
            raise ConfigError(
                f"{path} is {found.st_size / 1e6:.1f} MB: no training config is that large.",
                why="Another file was named, such as a model or a log.",
                hint="Name the training_config.toml.",
            )
        with path.open(encoding="utf-8-sig", newline="") as file:  # line ends as they are: `set` keeps them
            return file.read()
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
            hint=f"Name the file in it: {shlex.quote(str(path / 'training_config.toml'))}",
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


def _no_file(path: Path) -> ConfigError:
    """A pipe, a device, a socket: reading one may never end."""
    return ConfigError(
        f"{path} is no file: a pipe, a device or a socket.",
        why="A config is a file in its project's folder: its paths start there, and a later run reads it again.",
        hint="Write it into a file, and name that.",
    )


def write_engine(path: Path, values: Mapping[str, Any]) -> None:
    """Write what the engine reads, with `toml`, and read it back before it counts.

    Raises:
        ConfigError: `toml` 0.10.2 would give the engine other values than these.
    """
    import toml

    if keys := lost(values):
        raise ConfigError(
            f"The engine's TOML reader would lose or change {', '.join(keys)}.",
            why="It is an old reader: lists must hold one type of value, texts no control characters.",
            hint="Write these values more simply.",
        )
    atomic.write_text(path, toml.dumps(dict(values)))


def lost(values: Mapping[str, Any]) -> list[str]:
    """The keys whose values `toml` 0.10.2, which the engine reads with, would not give back as they are."""
    return [key for key, value in sorted(values.items()) if not _survives(key, value)]


def _survives(key: str, value: Any) -> bool:
    if isinstance(value, int):  # true and false too
        return True
    import toml

    try:
        return bool(toml.loads(toml.dumps({key: value})) == {key: value})
    except (ValueError, IndexError):  # what the reader raises for what its own writer wrote
        return False
