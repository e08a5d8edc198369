"""What a build has to say of a person's own work in the folder: what of it is kept, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kohya_wrap.dataset.building.planned import Plan, Planned
from kohya_wrap.dataset.building.write import Other
from kohya_wrap.dataset.caption_files import Backup
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.wording import counted, named


def edits(planned: Plan, folder: Path) -> Iterator[Finding]:
    """A person's edits win, and where the source says something new too, that is said."""
    edited = [one for one in planned.pictures if one.item and one.standing and one.standing.caption_edited]
    both = [
        one
        for one in edited
        if one.standing and one.entry.said and one.standing.entry.said not in (None, one.entry.said)
    ]
    alone = len(edited) - len(both)
    if both:
        yield Finding(
            Level.WARNING,
            "caption-kept",
            f"the source has new captions for {count(both)} whose captions were edited in the project; the edited "
            f"ones are kept: {names(both)}.",
            "To take the source's: remove those captions here, and build again.",
            str(folder),
        )
    if alone:
        yield Finding(
            Level.NOTE,
            "caption-edits-kept",
            f"{counted(alone, 'caption')} edited in the project meanwhile: kept.",
            "",
            str(folder),
        )
    pixels = [one for one in planned.pictures if one.item and one.standing and one.standing.edited]
    if pixels:
        yield Finding(
            Level.NOTE,
            "picture-kept",
            f"{count(pixels)} edited in the project, kept {'as it is' if len(pixels) == 1 else 'as they are'}: {names(pixels)}.",
            "To take the source's: remove them here, and build again.",
            str(folder),
        )

    if planned.stays:
        of = [f"{'held_out/' * found.entry.held}{found.entry.name}" for found in planned.stays]
        yield Finding(
            Level.WARNING,
            "edited-picture-stays",
            f"{counted(len(of), 'picture')} edited in the project left the source, and {'stays' if len(of) == 1 else 'stay'} "
            f"as if put in by hand: {named(of)}.",
            "Not wanted any more, or there under another name? Remove it from there.",
            str(folder),
        )


def held_out(planned: Plan, folder: Path, aside: Path) -> Iterator[Finding]:
    """What goes with the pictures that are held out, what may be one of them, and which of them left."""
    of_origin = {one.entry.origin: one for one in planned.pictures if one.item}
    too: dict[str, Planned] = {}
    by_hand = f"Another one? mv {typed(folder)}/NAME {typed(aside)}/   and build again: what lies there stays there."
    for maybe in planned.maybe_held:
        could = [of_origin[origin] for origin in maybe.origins if origin in of_origin]
        newly = (one for one in could if one.entry.held and not (one.standing and one.standing.entry.held))
        too.update((one.entry.name, one) for one in newly)
        if len(could) > 1:
            held, name = [one.entry.name for one in could if one.entry.held], maybe.held.entry.name
            yield Finding(
                Level.WARNING,
                "held-out-unclear",
                f"which one is {name} now, which is held out, cannot be told for certain: {named([one.entry.name for one in could], 20)}. "
                f"Held out: {named(held)}.",
                by_hand,
                str(aside),
            )
    if too:
        yield Finding(
            Level.NOTE,
            "held-out-too",
            f"{counted(len(too), 'picture')} {'shows' if len(too) == 1 else 'show'} what is held out already, and {'goes' if len(too) == 1 else 'go'} "
            f"with it: {named(list(too))}.",
            "",
            str(aside),
        )
    new = [one for one in planned.pictures if one.is_made and one.standing is None and not one.entry.held]
    if planned.held_gone and new:
        gone = [found.entry.name for found in planned.held_gone]
        yield Finding(
            Level.WARNING,
            "held-out-gone",
            f"{named(gone)}, held out, {'is' if len(gone) == 1 else 'are'} no longer in the source. If one of "
            f"{counted(len(new), 'new picture')} is {'it' if len(gone) == 1 else 'one of them'}, turned or cropped, it is "
            f"trained on now: {names(new)}.",
            f"Is it? mv {typed(folder)}/NAME {typed(aside)}/   and build again: what lies there stays there.",
            str(aside),
        )


def doubled(planned: Plan, folder: Path) -> Iterator[Finding]:
    if planned.doubled:
        both = [f"{one.entry.name} as {found.entry.name}" for one, found in planned.doubled]
        each = "one shows" if len(both) == 1 else f"{len(both)} show"
        yield Finding(
            Level.WARNING,
            "shows-what-stands",
            f"of the new pictures {each} what stands there from another source or by hand, and "
            f"{'stands' if len(both) == 1 else 'stand'} beside it: {named(both, 20)}.",
            "The same, saved anew? Give the new one the caption of the old, and remove the old one from there.",
            str(folder),
        )


def lost_captions(planned: Plan, backup: Backup) -> Iterator[Finding]:
    if planned.lost:
        assert backup.folder is not None
        goes, were = ("goes", "it was") if len(planned.lost) == 1 else ("go", "they were")
        yield Finding(
            Level.WARNING,
            "edited-captions-kept-apart",
            f"{counted(len(planned.lost), 'edited caption')} {goes} with pictures that left the source, or were made anew; "
            f"as {were}: {backup.folder}.",
            f"Once these pictures stand there again: cp -r {typed(backup.folder)}/. {typed(backup.back_to)}",
        )


def doubtful_captions(planned: Plan, backup: Backup, folder: Path) -> Iterator[Finding]:
    """Retouched, or other pictures under the same name or of the same layout, which nobody but a person can tell."""
    if of := [one for one in planned.pictures if one.has_doubtful_caption]:
        yield Finding(
            Level.WARNING,
            "caption-of-another-picture",
            f"{count(of)} may be {'another one' if len(of) == 1 else 'others'} than before, so much changed in the source "
            f"or so alike are they: {names(of)}. The captions that were edited for what stood there are kept, also in "
            f"{backup.folder}.",
            "Not theirs? Remove those captions here, and build again: the source's are taken.",
            str(folder),
        )


def called_otherwise(others: Sequence[Other]) -> Iterator[Finding]:
    moved = [other for other in others if other.path.name != other.name]
    if moved:
        yield Finding(
            Level.WARNING,
            "called-otherwise",
            f"{'a file' if len(moved) == 1 else f'{len(moved)} files'} of yours had the name that a picture or its "
            f"caption needs: {named([f'{one.path.parent.name}/{one.path.name} is {one.name} now' for one in moved])}.",
            "A caption that its picture left behind? Look into it, and remove it, or write its words into the other.",
        )


def late(paths: Sequence[Path]) -> Iterator[Finding]:
    if paths:
        yield Finding(
            Level.WARNING,
            "came-meanwhile",
            f"{'a file' if len(paths) == 1 else f'{len(paths)} files'} of yours came, or changed, while this was built: "
            f"{named([f'{path.parent.name}/{path.name}' for path in paths])}. They stand there as they are.",
            "Build again, so that they are counted.",
        )


def count(these: Sequence[Planned]) -> str:
    return counted(len(these), "picture")


def names(these: Sequence[Planned]) -> str:
    return named([one.entry.name for one in these])
