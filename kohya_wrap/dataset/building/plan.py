"""What a build will do with each picture: make it, or leave it as it stands; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kohya_wrap.dataset.building import holdout, picture
from kohya_wrap.dataset.building.captions import Captions
from kohya_wrap.dataset.building.names import Names
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.record import Choices, Entry
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.dataset.building.standing import Standing, Stood, stems, under
from kohya_wrap.domain.finding import Finding, Level

THREADS = 4
OnProgress = Callable[[int, int], None]  # pictures done, of how many


@dataclass(frozen=True)
class Planned:
    """One picture that will stand.

    Attributes:
        item, looked: what to make it of; both None where it stays as it stands.
        standing: as it stands; None where it is new.
        entry: as it will be recorded; what was `made` is not known yet where it is made.
        text: its caption; empty: none.
        before: what the caption was without the trigger.
    """

    item: Item | None
    looked: Looked | None
    standing: Standing | None
    entry: Entry
    text: str
    before: str

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
        lost: edited captions that will not stand any more.
        refused: pictures, captions and files of many captions that cannot be read.
        several: pictures with captions that differ, in words.
        said: of what else is not taken of the captions.
    """

    pictures: tuple[Planned, ...]
    removed: tuple[Standing, ...]
    lost: tuple[Path, ...]
    refused: tuple[Finding, ...]
    several: tuple[str, ...]
    said: tuple[Finding, ...]


def plan(sources: Sequence[Source], stood: Stood, choices: Choices, on_progress: OnProgress) -> Plan:
    """Look at each picture of the sources that is new or changed, and at what stands."""
    items = {item.origin: item for source in sources for item in source.pictures}
    captions, several, said_of_many = _captions(sources)
    by_origin = {found.entry.origin: found for found in stood.pictures if found.entry.origin}
    looked, refused = _look(items, by_origin, choices, on_progress)
    refused += [  # the picture is left out as well, and must be named
        replace(said, message=f"{items[origin].inner}, because of its caption: {said.message}")
        for origin, said in captions.items()
        if isinstance(said, Finding)
    ]
    refused += [said for said in said_of_many if said.level is Level.ERROR]
    roots = tuple(source.root for source in sources if source.root)
    matched = _match(items, looked, stood, roots)
    names = Names(stems(stood))
    planned = []
    for origin, item in items.items():
        said = captions[origin]
        if isinstance(said, str) and not isinstance(looked.get(origin), Finding):
            found = looked.get(origin)
            assert not isinstance(found, Finding)
            planned.append(_planned(item, found, matched.get(origin), said, choices, names))
        elif (stands := matched.get(origin)) and stands.path:  # what is damaged in the source is whole here
            planned.append(_kept(stands, choices))
    taken = {id(found) for found in matched.values()}
    left = [found for found in stood.pictures if id(found) not in taken]
    left = [found for found in left if found.path is not None]
    removed = tuple(found for found in left if under(found.entry.origin, roots))
    planned += [_kept(found, choices) for found in left if not under(found.entry.origin, roots)]
    warned = tuple(said for said in said_of_many if said.level is not Level.ERROR)
    pictures = tuple(_held_out(list(_apart(planned, names)), stood, choices.holdout))
    return Plan(pictures, removed, tuple(_lost(stood, pictures)), tuple(refused), several, warned)


def _lost(stood: Stood, pictures: Sequence[Planned]) -> Iterator[Path]:
    goes_on = {id(one.standing) for one in pictures if one.standing and one.standing.caption == one.before}
    for found in stood.pictures:
        if found.caption and found.caption_path and found.caption_edited and id(found) not in goes_on:
            yield found.caption_path


def _captions(
    sources: Sequence[Source],
) -> tuple[dict[str, str | Finding], tuple[str, ...], list[Finding]]:
    """Origin -> caption; which pictures have others too, in words; and what is to be said of files with many."""
    captions: dict[str, str | Finding] = {}
    several: list[str] = []
    said: list[Finding] = []
    for source in sources:
        found = Captions(source)
        captions |= {item.origin: found.of(item) for item in source.pictures}
        several += filter(None, map(found.passed_over, source.pictures))
        said += found.findings
    return captions, tuple(several), said


def _look(
    items: dict[str, Item], standing: dict[str, Standing], choices: Choices, on_progress: OnProgress
) -> tuple[dict[str, Looked | Finding], list[Finding]]:
    """What is in those that are not known from the last time; of them, what cannot be read."""
    new = [item for item in items.values() if not _is_known(item, standing.get(item.origin), choices)]
    looked: dict[str, Looked | Finding] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for item, found in zip(new, pool.map(lambda item: picture.look(item, choices), new), strict=True):
            looked[item.origin] = found
            on_progress(len(looked), len(new))
    return looked, [found for found in looked.values() if isinstance(found, Finding)]


def _is_known(item: Item, found: Standing | None, choices: Choices) -> bool:
    return (
        found is not None
        and found.path is not None
        and found.entry.stamp == item.stamp
        and found.entry.pixels == choices.pixels
    )


def _match(
    items: dict[str, Item], looked: dict[str, Looked | Finding], stood: Stood, roots: tuple[str, ...]
) -> dict[str, Standing]:
    """Origin -> what stands for it.

    By its path and what is in it; else by what is in it, so that the caption of a renamed picture follows it; else by its
    path; else by its path without the ending, where that picture has left the source: it was saved in another format.
    """
    there = [found for found in stood.pictures if found.path is not None]
    left = [found for found in there if under(found.entry.origin, roots) and found.entry.origin not in items]
    digests = {
        origin: new.facts.digest if isinstance(new, Looked) else origin for origin, new in looked.items()
    }
    known = {found.entry.origin: found.entry.digest for found in there}
    both = {origin: (origin, digests.get(origin, known.get(origin, ""))) for origin in items}
    by_origin = {origin: origin for origin in items}
    without_ending = {origin: str(PurePosixPath(origin).with_suffix("")) for origin in items}
    matched: dict[str, Standing] = {}
    _match_by(matched, both, ((found, (found.entry.origin, found.entry.digest)) for found in there))
    _match_by(matched, digests, ((found, found.entry.digest) for found in there))
    _match_by(matched, by_origin, ((found, found.entry.origin) for found in stood.pictures))
    _match_by(
        matched,
        without_ending,
        ((found, str(PurePosixPath(found.entry.origin).with_suffix(""))) for found in left),
    )
    return matched


def _match_by(
    matched: dict[str, Standing],
    wanted: Mapping[str, Hashable],
    standing: Iterable[tuple[Standing, Hashable]],
) -> None:
    """Match what is not matched yet by one key of both sides, each at most once."""
    taken = {id(found) for found in matched.values()}
    free: dict[Hashable, list[Standing]] = {}
    for found, key in standing:
        if id(found) not in taken:
            free.setdefault(key, []).append(found)
    for origin, key in wanted.items():
        if origin not in matched and free.get(key):
            matched[origin] = free[key].pop(0)


def _planned(
    item: Item, looked: Looked | None, found: Standing | None, said: str, choices: Choices, names: Names
) -> Planned:
    wrote = choices.with_trigger(said)
    edited = found.caption if found and found.caption_edited else None
    before = said if edited is None else edited
    text = wrote if edited is None or found is None else choices.edited(edited, found.formers)
    if found and found.path and (looked is None or found.edited or _is_same(looked, found.entry, choices)):
        digest = looked.facts.digest if looked else found.entry.digest
        entry = replace(
            found.entry, origin=item.origin, stamp=item.stamp, digest=digest, pixels=choices.pixels,
            said=said, wrote=wrote,
        )  # fmt: skip
        return Planned(item, None, found, entry, text, before)
    assert looked is not None
    stem = found.entry.stem if found else names.free(item.inner.stem)
    entry = Entry(
        stem + picture.ending(item, looked),
        item.origin,
        item.stamp,
        looked.facts.digest,
        (0, 0),
        "",
        choices.pixels,
        looked.why,
        said,
        wrote,
        found.entry.held if found else False,
    )
    return Planned(item, looked, found, entry, text, before)


def _is_same(looked: Looked, entry: Entry, choices: Choices) -> bool:
    """Whether it would be made as it was: a link to the same bytes, or a copy by the same choices."""
    if not looked.why:
        return looked.facts.digest == entry.made
    return looked.facts.digest == entry.digest and entry.pixels == choices.pixels


def _kept(found: Standing, choices: Choices) -> Planned:
    """What none of these sources is about: put in by hand, or built from another."""
    if found.entry.said is None or found.caption_edited:
        before = found.caption or ""
        return Planned(None, None, found, found.entry, choices.edited(before, found.formers), before)
    before = found.entry.said  # not what stands there, which has the trigger of the time
    text = choices.with_trigger(before)
    return Planned(None, None, found, replace(found.entry, wrote=text), text, before)


def _apart(planned: Sequence[Planned], names: Names) -> Iterator[Planned]:
    """Each with a caption file of its own: what was put in by hand may have the stem of another."""
    stems: set[str] = set()
    for one in planned:
        stem = names.free(one.entry.stem) if one.entry.stem in stems else one.entry.stem
        stems.add(stem)
        yield replace(one, entry=replace(one.entry, name=stem + one.entry.name[len(one.entry.stem) :]))


def _held_out(planned: Sequence[Planned], stood: Stood, count: int) -> Iterator[Planned]:
    digests = [one.entry.digest for one in planned]
    aside = {found.entry.digest: found for found in stood.pictures if found.entry.held and found.path}
    ours = sorted(digest for digest, found in aside.items() if found.entry.origin and digest in digests)
    fewer = max(0, stood.holdout - count)
    held = holdout.choose(digests, aside.keys() - set(ours[:fewer]), count)
    for one in planned:
        yield replace(one, entry=replace(one.entry, held=one.entry.digest in held))


def trained(pictures: Iterable[Planned]) -> list[Planned]:
    return [one for one in pictures if not one.entry.held]
