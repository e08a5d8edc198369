"""What a concept folder was built from: the next build knows by it what is its own, and what a person changed since."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset.building.trigger import exchanged, with_trigger, written
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.plain import build
from kohya_wrap.host import atomic

Stamp = tuple[int, int]  # size in bytes, and when it was changed in ns (in a zip: CRC-32)


@dataclass(frozen=True)
class Choices:
    """What was asked; the next build goes by it where nothing else is asked.

    Attributes:
        background: the colour under what is transparent; "keep" leaves it transparent.
        resize: the side of the square that no picture need have more pixels than; 0: as they are.
        auto_repeats: the folder's number follows from how many pictures there are.
    """

    sources: tuple[str, ...] = ()
    trigger: str = ""
    move_trigger_first: bool = False
    background: str = "white"
    resize: int = 0
    holdout: int = 0
    auto_repeats: bool = False
    number: int = 0

    @property
    def pixels(self) -> str:
        """All of it that a picture's pixels depend on."""
        return f"{self.background}/{self.resize}"

    def with_trigger(self, caption: str) -> str:
        return with_trigger(caption, self.trigger, first=self.move_trigger_first)

    def edited(self, caption: str, formers: Iterable[str]) -> str:
        """A caption that a person changed, with this trigger in place of former ones."""
        return self.with_trigger(exchanged(caption, formers, self.trigger))


@dataclass(frozen=True)
class Entry:
    """One picture.

    Attributes:
        name: of the file in the folder.
        origin: of its source; empty where it was put into the folder by hand.
        stamp, digest: of the source.
        made_stamp, made: stamp and digest of what was put into the folder.
        pixels: the choices it was made by. `why` it is no link to its source, in words.
        said: the caption the source had. `wrote`: what was written for it; None: nothing by us.
        held: it lies in held_out/.
        likeness: what the source shows, as `Print.as_text`; empty where it was not decoded.
        held_with: digest of another one that is held out, which it shows too; its own, where that is held out for another
            concept.
    """

    name: str
    origin: str
    stamp: Stamp
    digest: str
    made_stamp: Stamp
    made: str
    pixels: str
    why: tuple[str, ...]
    said: str | None
    wrote: str | None
    held: bool = False
    likeness: str = ""
    held_with: str = ""

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]

    def formers(self, trigger: str) -> tuple[str, ...]:
        """The triggers that may stand in its caption by our doing: the last one, `trigger`, and the one of its build."""
        ours = dict.fromkeys((trigger, written(self.said or "", self.wrote or "")))
        return tuple(former for former in ours if former and not has_trigger(self.said or "", former))


@dataclass(frozen=True)
class Record:
    """`extension`: of the captions, as the config said then."""

    choices: Choices = field(default_factory=Choices)
    entries: tuple[Entry, ...] = ()
    extension: str = ".txt"


def read(path: Path) -> Record | None:
    """None where there is none, or one that cannot be read: then pictures are known again by what is in them."""
    try:
        return of(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def of(data: Mapping[str, Any]) -> Record:
    return build(Record, data)


def as_data(record: Record) -> dict[str, Any]:
    return asdict(record)


def write(path: Path, record: Record) -> None:
    """Whoever calls it holds the record's lock."""
    atomic.write_text(path, json.dumps(as_data(record)), alone=True)  # ASCII: names may be no Unicode


def renumbered(record: Record, number: int) -> Record:
    return replace(record, choices=replace(record.choices, number=number))


def digests_of_own(entries: Iterable[Entry]) -> frozenset[str]:
    """Of a concept's pictures that are held out for their own sake."""
    return frozenset(entry.digest for entry in entries if entry.held and not entry.held_with)


def is_borrowed(entry: Entry, own: Collection[str]) -> bool:
    """Held out only while another concept holds it out.

    Args:
        own: digests_of_own of the same concept.
    """
    return bool(entry.held_with) and entry.held_with not in own
