"""Edits of a caption, tag by tag: what is not asked for stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kohya_wrap.domain.captions import has_trigger


@dataclass(frozen=True)
class Edits:
    """What shall be done to captions, in this order.

    Attributes:
        replace: (old tag, new tag); an empty new one removes.
        dedupe: keep the first of equal tags.
        prefix: words to stand in front, the trigger say, unless the caption has them.
    """

    replace: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    dedupe: bool = False
    prefix: str = ""

    def __bool__(self) -> bool:
        return bool(self.replace or self.remove or self.dedupe or self.prefix)

    @property
    def looked_for(self) -> tuple[str, ...]:
        """The tags that must stand somewhere for the edits to do anything."""
        return (*(old for old, _ in self.replace), *self.remove)

    def apply(self, text: str) -> str:
        """Each line that is written on, and the first, which the engine reads whatever it is; the others are wildcards."""
        lines = text.split("\n")
        return "\n".join(
            self._line(line) if line.strip() or not number else line for number, line in enumerate(lines)
        )

    def _line(self, line: str) -> str:
        segments = line.split(",")
        for old, new in self.replace:
            segments = _replaced(segments, key_of(old), new)
        unwanted = {key_of(tag) for tag in self.remove}
        segments = _kept(segments, lambda key, _: key not in unwanted)
        if self.dedupe:
            segments = _kept(segments, lambda key, before: key not in before)
        return _prefixed(segments, self.prefix) if self.prefix else ",".join(segments)


def key_of(tag: str) -> str:
    """What makes two tags the same one: `Long_Hair`, `long  hair`."""
    return " ".join(tag.replace("_", " ").lower().split())


def tags_of(text: str) -> Iterator[str]:
    """The tags of all its lines, as they are written."""
    for line in text.splitlines():
        yield from (tag for segment in line.split(",") if (tag := segment.strip()))


def _replaced(segments: list[str], old: str, new: str) -> list[str]:
    """With `new` once, at the first place of `old`, unless it stands elsewhere already."""
    keys = [key_of(segment) for segment in segments]
    if old not in keys:
        return segments
    if not new or (key_of(new) in keys and key_of(new) != old):
        return _kept(segments, lambda key, _: key != old)
    first = keys.index(old)
    space = segments[first][: len(segments[first]) - len(segments[first].lstrip())]
    kept = [segment for number, segment in enumerate(segments) if number == first or keys[number] != old]
    return [space + new if number == first else segment for number, segment in enumerate(kept)]


def _kept(segments: list[str], wanted: Callable[[str, set[str]], bool]) -> list[str]:
    """Those whose key, beside the keys before it, is wanted; empty ones stay."""
    kept: list[str] = []
    before: set[str] = set()
    for segment in segments:
        key = key_of(segment)
        if not key or wanted(key, before):
            kept.append(segment)
        before.add(key)
    return _closed_up(kept) if len(kept) < len(segments) else segments


def _closed_up(segments: list[str]) -> list[str]:
    """Without the space that the first one had as long as another stood before it."""
    return [segments[0].lstrip(), *segments[1:]] if segments else segments


def _prefixed(segments: Iterable[str], prefix: str) -> str:
    """In front, unless it stands there or within a sentence; as a tag of its own further back, it is moved."""
    listed = list(segments)
    line = ",".join(listed)
    if re.match(rf"(?a:\s*{re.escape(prefix)}(?!\w))", line, re.IGNORECASE):
        return line
    others = _kept(listed, lambda key, _: key != key_of(prefix))
    if len(others) == len(listed) and has_trigger(line, prefix):
        return line
    rest = ",".join(others).strip()
    return f"{prefix}, {rest}" if rest else prefix
