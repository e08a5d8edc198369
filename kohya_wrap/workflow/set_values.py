"""`config set`: values into a config file, all checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import by_hand, edit, presets, user, wrapper_section
from kohya_wrap.config.check import check_value
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import atomic, toml_file
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective


@dataclass(frozen=True)
class Change:
    """One value of the file; `old` is None where the key is new, `gone` the comments inside it that could not stay."""

    key: str
    line: int
    old: Any
    new: Any
    gone: tuple[str, ...] = ()


def set_values(
    config: Path, words: Sequence[str], places: Places, env: Mapping[str, str]
) -> tuple[Change, ...]:
    """Write `key=value` words into the file; `kohya_wrap.key` and `gpu.key` into those sections.

    Raises:
        ConfigError: no such file, an unknown key or a value it cannot have: nothing is written.
        UsageError: a word is not key=value.
    """
    source = toml_file.read(config)
    found = effective.of(effective.ConfigRequest(config), places, env)  # for the options of its family
    changes: list[Change] = []
    wrong: list[Finding] = []
    for word in words:
        section, name, value, findings = _read(word, found)
        wrong += findings
        if not findings:
            table, key = edit.place_of(source, section, name)
            done = edit.put(source, table, key, value, _as_typed(word, value))
            source = done.changed
            changes.append(Change(key, done.line, done.old, done.new, done.gone))
    if wrong:
        raise ConfigError(
            wrong[0].message + (f" (and {len(wrong) - 1} more, above)" if wrong[1:] else ""),
            why="The engine would ignore it or fail on it, so the file is left as it was.",
            hint=wrong[0].hint,
            findings=tuple(wrong),
        )
    atomic.write_text(config.resolve(), source.text)  # a link stays one
    return tuple(changes)


def _as_typed(word: str, value: Any) -> str:
    """2e-4 stays 2e-4."""
    text = by_hand.split_word(word)[1]
    return text if by_hand.toml_value(text) == value != text else as_toml(value)


def _read(word: str, found: effective.Effective) -> tuple[str, str, Any, tuple[Finding, ...]]:
    """(own section or "", name, value, what is wrong with it) of a `key=value`."""
    section, name, value = by_hand.meant_by(word)
    if section == "kohya_wrap":
        return section, name, value, tuple(wrapper_section.read({name: value}, lambda key: "")[1])
    if section and name == "preset":
        return section, name, *_card(str(value))
    wrong = check_value(name, value, found.table, found.family.script)
    if section:
        wrong += tuple(f for f in user.misplaced({name: value}, {name: ""}, {}) if f.level is Level.ERROR)
    return section, name, value, wrong


def _card(name: str) -> tuple[str, tuple[Finding, ...]]:
    """The preset's own name, which `run` compares with."""
    known = presets.load(resources.presets())
    if preset := known.by_name(name):
        return preset.name, ()
    near = known.nearest(name)
    hint = "Write its memory instead: gpu.preset='24 GB'" + (f", or {' or '.join(near)}." if near else ".")
    return name, (Finding(Level.ERROR, "unknown-preset", f"No GPU preset is called {name!r}.", hint),)
