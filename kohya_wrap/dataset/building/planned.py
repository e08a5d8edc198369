"""What a build will do with each picture, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset.building.matching import Maybe
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.record import Entry
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.building.standing import Standing
from kohya_wrap.domain.finding import Finding


@dataclass(frozen=True)
class Planned:
    """One picture that will stand.

    Attributes:
        item, looked: what to make it of; both None where it stays as it stands.
        standing: as it stands; None where it is new.
        entry: as it will be recorded; what was `made` is not known yet where it is made.
        text: its caption; empty: none.
        before: what the caption was without the trigger.
        doubtful: it may be another picture than the one of its place that stands.
    """

    item: Item | None
    looked: Looked | None
    standing: Standing | None
    entry: Entry
    text: str
    before: str
    doubtful: bool = False

    @property
    def is_made(self) -> bool:
        return self.looked is not None

    @property
    def renamed(self) -> tuple[str, str] | None:
        """From its path in the source to its name here; that a picture saved anew ends in .png is no new name."""
        if self.item is None:
            return None
        inner, name = self.item.inner, self.entry.name
        same = inner.stem == self.entry.stem if self.entry.why else inner.name == name
        return None if same else (str(inner), name)

    @property
    def has_doubtful_caption(self) -> bool:
        """Edited for a picture that may be another one than this."""
        return self.doubtful and self.standing is not None and self.standing.caption_edited

    @property
    def caption_changes(self) -> bool:
        """Of a picture that was here before."""
        return self.standing is not None and (self.standing.caption or "") != self.text

    @property
    def gets_trigger(self) -> bool:
        """Now, and not in an earlier build."""
        return self.text != self.before and not (self.standing and self.standing.caption == self.text)


@dataclass(frozen=True)
class Plan:
    """What will be done, and what is to be said of it.

    Attributes:
        removed: left the source.
        stays: left it as well, but was changed by a person: put in by hand, from now on.
        maybe_held: what looks like pictures that are held out.
        doubled: new ones with what shows the same, and stands from elsewhere.
        lost: edited captions that will not stand any more.
        refused: pictures, captions and files of many captions that cannot be read.
        several: pictures with captions that differ, in words.
        said: of what else is not taken of the captions.
    """

    pictures: tuple[Planned, ...]
    removed: tuple[Standing, ...]
    stays: tuple[Standing, ...]
    maybe_held: tuple[Maybe, ...]
    doubled: tuple[tuple[Planned, Standing], ...]
    lost: tuple[Path, ...]
    refused: tuple[Finding, ...]
    several: tuple[str, ...]
    said: tuple[Finding, ...]

    @property
    def held_gone(self) -> list[Standing]:
        """Held out, and not in the source any more, as far as can be seen."""
        looks_like = {maybe.held.path for maybe in self.maybe_held}
        left = (*self.removed, *self.stays)
        return [found for found in left if found.entry.held and found.path not in looks_like]

    @property
    def doubtful(self) -> tuple[Path, ...]:
        """Edited captions that stay with what may be another picture than theirs."""
        standing = (one.standing for one in self.pictures if one.has_doubtful_caption)
        return tuple(found.caption_path for found in standing if found and found.caption_path)


def trained(pictures: Iterable[Planned]) -> list[Planned]:
    return [one for one in pictures if not one.entry.held]
