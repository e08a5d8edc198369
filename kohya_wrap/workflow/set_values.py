"""`config set`: values into a config file, all checked before anything is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import by_hand, edit, presets, spellings, user, wrapper_section
from kohya_wrap.config.check import check_value
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import atomic, toml_file
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective

_LINE = re.compile(r":\d+\b")


@dataclass(frozen=True)
class Change:
    """One value of the file; `old` is None where the key is new, `gone` the comments inside it that could not stay."""

    key: str
    line: int
    old: Any
    new: Any
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """Attributes: findings: what is newly to be said of the file, and did not keep it from being written."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]


def set_values(config: Path, words: Sequence[str], places: Places, env: Mapping[str, str]) -> Written:
    """Write `key=value` words into the file; `kohya_wrap.key` and `gpu.key` into those sections.

    Raises:
        ConfigError: no such file, an unknown key, or a value that it cannot have by itself or beside the others:
            nothing is written.
        UsageError: a word is not key=value.
    """
    source = toml_file.read(config)
    env = {
        name: text for name, text in env.items() if not name.startswith(by_hand.VARIABLE)
    }  # the file alone
    found = effective.meant(effective.asked_in(source, (), env), "auto", places, env)
    changes: dict[tuple[str, str], Change] = {}  # of one key set twice, the last counts
    wrong: list[Finding] = []
    for word in words:
        section, name, value, findings = _read(word, found)
        wrong += findings
        if not findings:
            table, key = edit.place_of(source, section, name)
            done = edit.put(source, table, key, value, _as_typed(word, value))
            source = done.changed
            before = changes.get((table, key))
            old, gone = (before.old, before.gone) if before else (done.old, ())
            changes[table, key] = Change(key, done.line, old, done.new, (*gone, *done.gone))
    new: tuple[Finding, ...] = ()
    if not wrong:
        changes = {place: replace(change, line=source.line(*place)) for place, change in changes.items()}
        after = effective.meant(effective.asked_in(source, (), env), "auto", places, env)
        new = _new(found.findings, after.findings)
        wrong = [finding for finding in new if _is_of(finding, changes.values(), source.path.name)]
    if wrong:
        raise ConfigError(
            wrong[0].message + (f" (and {len(wrong) - 1} more, above)" if wrong[1:] else ""),
            why="The engine would ignore it or fail on it, so the file is left as it was.",
            hint="Leave that word out." if wrong[0].hint == "Remove the line." else wrong[0].hint,
            findings=tuple(wrong),
        )
    atomic.write_text(config.resolve(), source.text)  # a link stays one
    return Written(tuple(changes.values()), new)


def _new(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[Finding, ...]:
    """The errors and warnings of now that were not there before, wherever their lines have moved to."""
    left = Counter(map(_without_lines, before))
    new = []
    for finding in after:
        said = _without_lines(finding)
        if left[said]:
            left[said] -= 1
        elif finding.level is not Level.NOTE:
            new.append(finding)
    return tuple(new)


def _without_lines(finding: Finding) -> tuple[Level, str, str]:
    return finding.level, finding.code, _LINE.sub("", finding.message)


def _is_of(finding: Finding, changes: Iterable[Change], file: str) -> bool:
    """An error that stands at a key that was set, or names one."""
    return finding.level is Level.ERROR and any(
        finding.where == f"{file}:{change.line}"
        or re.search(rf"\b{re.escape(spellings.engine_name(change.key))}\b", finding.message + finding.hint)
        for change in changes
    )


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
