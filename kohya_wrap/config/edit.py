"""Change one value of a config file; comments, order and line ends stay as they are."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from kohya_wrap.config import spellings
from kohya_wrap.config.sections import section_of
from kohya_wrap.config.user import OWN_SECTIONS
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import toml_lines
from kohya_wrap.host.toml_file import UserToml, of_text


@dataclass(frozen=True)
class Edit:
    """What was done: the file as it will be, and the line.

    Attributes:
        old: None where the key is new.
        gone: comments that stood inside the old value, and could not stay.
    """

    changed: UserToml
    line: int
    old: Any
    new: Any
    gone: tuple[str, ...] = ()


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
    holder = source.data.get(table, {}) if table else source.data
    expected = {**source.data, **({table: {**holder, key: value}} if table else {key: value})}
    old = holder.get(key)
    if old is None and (line := _end_of(source.text, table)):
        text = _with_line(source.text, line, f"{key} = {written}")
    elif old is None and table not in source.data:
        text = _with_section(source.text, table, f"{key} = {written}")
    else:
        text = _with_items(source.text, table, key, written)
        if not _holds(text, expected):
            text = _with_value(source.text, table, key, written)
    changed = of_text(text, source.path)
    assert changed.data == expected, "another value changed too"
    gone = Counter(toml_lines.comments(source.text)) - Counter(toml_lines.comments(text))
    return Edit(changed, changed.line(table, key), old, value, tuple(gone))


def _with_value(text: str, table: str, key: str, written: str) -> str:
    import tomlkit

    document: Any = tomlkit.parse(text)
    (document[table] if table else document)[key] = tomlkit.parse(f"v = {written}")["v"]
    return str(document.as_string())


def _with_items(text: str, table: str, key: str, written: str) -> str:
    """A list over several lines, item by item: each keeps the comment beside it, and the lines between stay.

    As it was where there is no such list.
    """
    import tomlkit

    document: Any = tomlkit.parse(text)
    old = (document[table] if table else document).get(key)
    new: Any = tomlkit.parse(f"v = {written}")["v"]
    if not (isinstance(old, list) and isinstance(new, list) and "\n" in cast(Any, old).as_string()):
        return text
    before, after = ([repr(item) for item in items] for items in (old, new))
    moves = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for change, start, end, new_start, new_end in reversed(moves):
        if change == "equal":
            continue
        alike = min(end - start, new_end - new_start)
        for offset in range(alike):
            old[start + offset] = new[new_start + offset]
        for index in reversed(range(start + alike, end)):
            del old[index]
        for offset in range(alike, new_end - new_start):
            old.insert(start + offset, new[new_start + offset])
    return str(document.as_string())


def _holds(text: str, expected: Mapping[str, Any]) -> bool:
    """Whether tomlkit has written what it was told: commas on lines of their own lead it astray."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return bool(tomlkit.parse(text).unwrap() == expected)
    except TOMLKitError:
        return False


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
