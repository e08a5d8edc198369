"""What a build will do with each picture: make it, or leave it as it stands; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from kohya_wrap.dataset.building import holdout, matching, picture
from kohya_wrap.dataset.building.captions import Captions
from kohya_wrap.dataset.building.names import Names
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.planned import Plan, Planned
from kohya_wrap.dataset.building.record import Choices, Entry
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.dataset.building.standing import Standing, Stood, as_by_hand, stems, under
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.likeness import Print

OnProgress = Callable[[int, int], None]  # pictures done, of how many


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
    matches = matching.match(items, looked, stood, roots)
    matched = matches.standing
    names = Names(stems(stood))
    planned = []
    for origin, item in items.items():
        said = captions[origin]
        if isinstance(said, str) and not isinstance(looked.get(origin), Finding):
            found = looked.get(origin)
            assert not isinstance(found, Finding)
            one = _planned(item, found, matched.get(origin), said, choices, names)
            planned.append(_with_likeness(one, matches.likenesses.get(origin), origin in matches.doubtful))
        elif (stands := matched.get(origin)) and stands.path:  # what is damaged in the source is whole here
            planned.append(_kept(stands, choices))
    taken = {id(found) for found in matched.values()}
    left = [found for found in stood.pictures if found.path is not None and id(found) not in taken]
    gone = [found for found in left if under(found.entry.origin, roots)]
    removed = tuple(found for found in gone if not found.edited)
    stays = tuple(as_by_hand(found) for found in gone if found.edited)
    others = (found for found in left if not under(found.entry.origin, roots))
    planned += [_kept(found, choices) for found in (*others, *stays)]
    pictures = tuple(holdout.held_out([*_apart(planned, names)], stood, matches.held, choices.holdout))
    warned = tuple(said for said in said_of_many if said.level is not Level.ERROR)
    doubles = ((one, matches.doubled.get(one.entry.origin)) for one in pictures)
    doubled = tuple((one, found) for one, found in doubles if found and one.item and not one.entry.held)
    lost = tuple(_lost(stood, pictures))
    return Plan(pictures, removed, stays, matches.held, doubled, lost, tuple(refused), several, warned)


def _lost(stood: Stood, pictures: Sequence[Planned]) -> Iterator[Path]:
    standing = ((one.standing, one.before) for one in pictures if one.standing)
    goes_on = {found.caption_path for found, before in standing if found.caption == before}
    for found in stood.pictures:
        path = found.caption_path
        if found.caption and found.caption_edited and path and path not in goes_on:
            yield path


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
    with ThreadPoolExecutor(picture.THREADS) as pool:
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


def _planned(
    item: Item, looked: Looked | None, found: Standing | None, said: str, choices: Choices, names: Names
) -> Planned:
    wrote = choices.with_trigger(said)
    edited = found.caption if found and found.caption_edited else None
    before = said if edited is None else edited
    digest = looked.facts.digest if looked else found.entry.digest if found else ""
    likeness = found.entry.likeness if found and found.entry.digest == digest else ""
    if looked and looked.likeness:
        likeness = looked.likeness.as_text()
    text = wrote if edited is None or found is None else choices.edited(edited, found.formers)
    if found and found.path and (looked is None or found.edited or _is_same(looked, found, choices)):
        entry = replace(
            found.entry, origin=item.origin, stamp=item.stamp, digest=digest, pixels=choices.pixels,
            said=said, wrote=wrote, likeness=likeness,
        )  # fmt: skip
        return Planned(item, None, found, entry, text, before)
    assert looked is not None
    stem = found.entry.stem if found else names.free(item.inner.stem)
    entry = Entry(
        stem + picture.ending(item, looked),
        item.origin,
        item.stamp,
        digest,
        (0, 0),
        "",
        choices.pixels,
        looked.why,
        said,
        wrote,
        found.entry.held if found else False,
        likeness,
        found.entry.held_with if found else "",
    )
    return Planned(item, looked, found, entry, text, before)


def _with_likeness(one: Planned, likeness: Print | None, doubtful: bool) -> Planned:
    """`likeness`: of what is in the source now, where it was looked at for that."""
    if likeness is not None:
        one = replace(one, entry=replace(one.entry, likeness=likeness.as_text()))
    return replace(one, doubtful=doubtful and one.is_made)


def _is_same(looked: Looked, found: Standing, choices: Choices) -> bool:
    """Whether it would be made as it stands: a link to the same bytes, or a copy by the same choices."""
    entry = found.entry
    if found.written_over:  # by another picture, whose place in the source that was once
        return False
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
