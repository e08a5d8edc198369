"""What a build has to say: why it cannot be, and what it did that a person may not expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kohya_wrap.dataset import folders, inventory
from kohya_wrap.dataset.building import captions, kept, metadata, picture
from kohya_wrap.dataset.building.planned import Plan
from kohya_wrap.dataset.building.record import Choices
from kohya_wrap.dataset.building.sources import Source, numbered_folders
from kohya_wrap.domain.dataset import Misread
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.wording import counted, named
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file


def refusal(found: Sequence[Source], refused: Sequence[Finding]) -> DatasetError:
    return inventory.refusal(found[0].given, refused)


def own_folder(given: Path, *, set_aside: bool) -> DatasetError:
    if set_aside:
        why, hint = (
            "What is set aside is for judging the result.",
            "The same build with --holdout 0 trains on it.",
        )
    else:
        why = "It is built into; a build may rename it, and the next one would look for it in vain."
        folder = given if given.is_dir() else given.parent
        copy = folder.name.partition("_")[2] or "copy"
        hint = f"Name what it was built from, or a copy: cp -r {typed(folder)} {typed(copy)}"
    return DatasetError(f"{given} is the project's own, and no source of a build.", why=why, hint=hint)


def no_picture(found: Sequence[Source], own: Collection[Path]) -> DatasetError:
    given = ", ".join(str(source.given) for source in found)
    if over := _with_pictures(found):
        return DatasetError(
            f"No picture in {given} but what a project keeps: {named([str(folder) for folder in over])}.",
            why="What was built or set aside is not built from again.",
            hint="Name what it was built from. What stands in training_data is trained on as it is."
            if not _of_others(over, own)
            else f"Name one folder of it: kohya-wrap dataset build {typed(_of_others(over, own)[0])} --concept NAME",
        )
    return DatasetError(
        f"No picture in {given}.",
        why="Pictures are known by their endings: png, jpg, webp, bmp, gif, tiff, avif; hidden files do not count.",
        hint="Name the folder, or the zip, that your pictures lie in.",
    )


def nothing_left(found: Sequence[Source], planned: Plan, choices: Choices) -> DatasetError:
    if planned.refused:
        return refusal(found, planned.refused)
    different = len({one.entry.digest for one in planned.pictures})
    return DatasetError(
        f"--holdout {choices.holdout} leaves nothing of {kept.count(planned.pictures)} to train on.",
        why="Pictures that are set aside are never trained on; copies of one picture are set aside together.",
        hint=f"--holdout {min(choices.holdout, different) - 1}   at most; a tenth of them is usual"
        if choices.holdout
        else "Move some of them out of held_out/.",
    )


def in_the_way(folder: Path) -> DatasetError:
    return DatasetError(
        f"{folder} is there already.",
        why="There are two folders of this concept, with other numbers; or a file has that name.",
        hint=f"Look at it, and move it away: mv {typed(folder)} {typed(folder.name + '.old')}",
    )


def not_a_folder(held_out: Path) -> DatasetError:
    wrong = "file" if held_out.exists() else "link to nothing"
    return DatasetError(
        f"{held_out} is a {wrong}, where a folder must be.",
        why="Pictures of this concept that are set aside lie in it.",
        hint=f"mv {typed(held_out)} {typed(f'{held_out}.old')}",
    )


def second_folders(folder: Path, concept: str) -> Iterator[Finding]:
    for other in folders.of_concept(folder.parent, concept):
        if other != folder and any(map(folders.is_read, other.iterdir())):
            yield Finding(
                Level.WARNING,
                "second-folder",
                f"{other.name} is of this concept too: left as it is, and trained on beside {folder.name}.",
                f"Not meant? mv {typed(other)} {typed(other.parent.parent / other.name)}",
                str(other),
            )


def of_other_projects(found: Sequence[Source], own: Collection[Path]) -> Iterator[Finding]:
    if over := [str(folder) for folder in _of_others(_with_pictures(found), own)]:
        yield Finding(
            Level.NOTE,
            "passed-over",
            f"{named(over)}: what another project built or set aside is not built from.",
            "Meant all the same? Name the folder itself, as one more SRC.",
        )


def _of_others(over: Sequence[Path], own: Collection[Path]) -> list[Path]:
    here = {folder.resolve() for folder in own}
    return [folder for folder in over if folder.resolve() not in here]


def _with_pictures(found: Sequence[Source]) -> list[Path]:
    return [
        folder
        for source in found
        for folder in source.passed_over
        if any(image_file.looks_like_image(path) for path in folder.rglob("*"))
    ]


def findings(planned: Plan, choices: Choices, found: Sequence[Source], folder: Path) -> tuple[Finding, ...]:
    return tuple(_findings(planned, choices, found, folder))


def _findings(planned: Plan, choices: Choices, found: Sequence[Source], folder: Path) -> Iterator[Finding]:
    for one in planned.refused:
        yield replace(one, level=Level.WARNING, message=f"left out: {one.message}", hint="")
    if numbered := numbered_folders(found):
        yield Finding(
            Level.WARNING,
            "numbered-folders",
            f"{named(numbered)} in the source look like concepts of their own; all went into {folder.name}.",
            "Not meant? Build each by itself: kohya-wrap dataset build FOLDER --concept NAME",
        )
    yield from _not_taken(found)
    yield from planned.said
    if planned.several:
        have = "has" if len(planned.several) == 1 else "have"
        yield Finding(
            Level.NOTE,
            "several-captions",
            f"{counted(len(planned.several), 'picture')} {have} captions that differ: {named(planned.several)}.",
            "To take the other: remove the one that was taken, in the source, and build again.",
        )
    yield from _held_copies(planned)
    yield from kept.edits(planned, folder)
    back = [one for one in planned.pictures if one.is_made and one.standing and one.standing.path is None]
    if back:
        yield Finding(
            Level.NOTE,
            "put-back",
            f"{kept.count(back)} taken out of the folder by hand stand there again, since the source has them: "
            f"{kept.names(back)}.",
            "Take them out of the source too.",
            str(folder),
        )
    if choices.background == picture.KEEP:
        yield from _transparent(planned, folder)


def _not_taken(found: Sequence[Source]) -> Iterator[Finding]:
    """Files of other kinds, in case somebody takes them for pictures; and such as are too large for captions."""
    large = [
        str(inner)
        for source in found
        for inner, item in source.files.items()
        if metadata.may_be(inner) and item.stamp[0] > captions.LARGEST
    ]
    if large:
        over = f"over {captions.LARGEST // 1_000_000} MB"
        yield Finding(
            Level.WARNING, "metadata-too-large", f"no caption is looked for in {named(large)}, {over}."
        )
    known = (*captions.ENDINGS, *metadata.ENDINGS)
    others = Counter(
        inner.suffix.lower() or inner.name
        for source in found
        for inner in source.files
        if not image_file.looks_like_image(Path(inner)) and inner.suffix not in known
    )
    if others:
        kinds = named([f"{count} {ending}" for ending, count in others.most_common()])
        yield Finding(Level.NOTE, "not-taken", f"files of other kinds are left where they are: {kinds}.")


def _held_copies(planned: Plan) -> Iterator[Finding]:
    held = [one for one in planned.pictures if one.entry.held]
    if len(held) > len({one.entry.digest for one in held}):
        yield Finding(
            Level.NOTE,
            "held-copies",
            f"{kept.count(held)} are set aside: the copies of one go with it, and count once.",
        )


def _transparent(planned: Plan, folder: Path) -> Iterator[Finding]:
    see_through = [
        one for one in planned.pictures if one.looked and Misread.ALPHA in one.looked.facts.misread
    ]
    if see_through:
        yield Finding(
            Level.NOTE,
            "transparency-kept",
            f"{kept.count(see_through)} {'keeps its' if len(see_through) == 1 else 'keep their'} transparency, which the engine uses with alpha_mask alone.",
            "kohya-wrap config set alpha_mask=true",
            str(folder),
        )
