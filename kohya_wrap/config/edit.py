"""Change one value of a config file; comments, order and line ends stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kohya_wrap.config import spellings
from kohya_wrap.config.sections import section_of
from kohya_wrap.config.user import OWN_SECTIONS
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import toml_lines
from kohya_wrap.host.toml_file import UserToml, of_text


@dataclass(frozen=True)
class Edit:
    """What was done: the file as it will be, and the line; `old` is None where the key is new."""

    changed: UserToml
    line: int
    old: Any
    new: Any


def place_of(source: UserToml, section: str, name: str) -> tuple[str, str]:
    """(table, key) under which the file holds an option, in whatever spelling; else where it belongs.

    Args:
        section: one of kohya-wrap's own, or empty for the engine's options.

    Raises:
        ConfigError: it stands twice.
    """
    if section:
        return section, name
    there = [
        (table, key)
        for table, key, _ in spellings.flatten(source.data, OWN_SECTIONS)
        if spellings.engine_name(key) == name
    ]
    if len(there) > 1:
        at = " and ".join(source.where(*place) for place in there)
        raise ConfigError(
            f"`{name}` is given twice: at {at}.",
            why="It is not clear which of the two is meant.",
            hint="Remove one of the lines by hand.",
        )
    return there[0] if there else (section_of(name), name)


def put(source: UserToml, table: str, key: str, value: Any, written: str) -> Edit:
    """The text with that value in that place, as `written` in TOML.

    Raises:
        AssertionError: the text would not hold exactly that (a bug of ours).
    """
    import tomlkit

    holder = source.data.get(table, {}) if table else source.data
    old = holder.get(key)
    if old is None and (line := _end_of(source.text, table)):
        text = _with_line(source.text, line, f"{key} = {written}")
    elif old is None and table not in source.data:
        text = _with_section(source.text, table, f"{key} = {written}")
    else:
        document: Any = tomlkit.parse(source.text)
        (document[table] if table else document)[key] = tomlkit.parse(f"v = {written}")["v"]
        text = document.as_string()
    expected = {**source.data, **({table: {**holder, key: value}} if table else {key: value})}
    changed = of_text(text, source.path)
    assert changed.data == expected, "another value changed too"
    return Edit(changed, changed.line(table, key), old, value)


def _end_of(text: str, table: str) -> int:
    """The last line of `[table]` that holds a value, or its header; 0 where it has no header.

    The blank lines and comments after it mostly belong to what follows.
    """
    within: tuple[str, ...] = ()
    last = 0
    for place in toml_lines.places(text):
        within = place.path if place.header else within
        if within == (table,):
            last = place.last
    return last


def _with_line(text: str, after: int, line: str) -> str:
    end = _line_end(text)
    lines = (text if text.endswith("\n") else text + end).split("\n")
    lines.insert(after, line + end.removesuffix("\n"))
    return "\n".join(lines)


def _with_section(text: str, table: str, line: str) -> str:
    end = _line_end(text)
    body = text if not text or text.endswith("\n") else text + end
    return f"{body}{end if body else ''}[{table}]{end}{line}{end}"


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
