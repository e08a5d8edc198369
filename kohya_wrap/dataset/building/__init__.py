"""Lay out `training_data/<repeats>_<concept>/` from folders, files and zips of pictures, which are only read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.building import kept, record, sources, standing, told, transaction, write
from kohya_wrap.dataset.building.plan import OnProgress, plan
from kohya_wrap.dataset.building.planned import Plan, trained
from kohya_wrap.dataset.building.record import Choices as Choices
from kohya_wrap.dataset.building.record import Record
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.dataset.building.standing import Stood
from kohya_wrap.dataset.building.write import Other
from kohya_wrap.dataset.caption_files import Backup
from kohya_wrap.domain.finding import Finding
from kohya_wrap.host import image_file, lock, zip_file


@dataclass(frozen=True)
class Place:
    """Where one concept lies.

    Attributes:
        parent: the folder of concept folders.
        folder: the concept's own, as it is called now; None where there is none yet.
        held_out: its pictures that are set aside.
        record: the file that tells what was built from what.
        extension: of the captions.
        apart: folders of the project, not to be walked into.
        made: what builds made, no source at all: concept folders, and what is set aside.
    """

    concept: str
    parent: Path
    folder: Path | None
    held_out: Path
    record: Path
    extension: str = ".txt"
    apart: tuple[Path, ...] = ()
    made: tuple[Path, ...] = ()

    @property
    def own(self) -> tuple[Path, ...]:
        """No source, wherever it lies in one."""
        return *self.apart, *self.made

    @property
    def parents(self) -> tuple[Path, Path]:
        return self.parent, self.held_out.parent


@dataclass(frozen=True)
class Built:
    """What stands in the concept folder now.

    Attributes:
        why_saved: reason -> how many pictures stand as a PNG instead of a link for it.
        renamed: (path in the source, name here) of pictures that are called otherwise.
        unchanged: pictures that kept their file; `added`, `changed`, `removed` since the last build.
        captions_changed: of pictures that stood here; written, written anew or gone.
    """

    folder: Path
    held_out: Path
    number: int
    images: int
    captions: int
    triggers_written: int
    saved: int
    why_saved: dict[str, int]
    renamed: tuple[tuple[str, str], ...]
    held: int
    added: int
    changed: int
    removed: int
    unchanged: int
    captions_changed: int
    findings: tuple[Finding, ...]


def build(
    place: Place,
    choices: Choices,
    number: Callable[[int], int],
    *,
    skip_broken: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> Built:
    """Build the concept, or what has changed of it.

    Args:
        number: from how many pictures there are to train on, the repeats.

    Raises:
        DatasetError: a source that is not there, no picture, or files that cannot be used (all named).
    """
    if (place.held_out.exists() or place.held_out.is_symlink()) and not place.held_out.is_dir():
        raise told.not_a_folder(place.held_out)
    given = [Path(source) for source in choices.sources]
    for source in given:
        if own := next((made for made in place.made if sources.lies_in(source, made)), None):
            raise told.own_folder(source, set_aside=own == place.held_out.parent)
    found = sources.gather(given, place.own)
    if not any(source.pictures for source in found):
        raise told.no_picture(found, place.own)
    with lock.hold(place.record):
        transaction.finish(place.record)
        place = replace(place, folder=own_folder(place))  # another build may have given it another number
        with lock.hold(place.folder) if place.folder else nullcontext():
            return _build(place, choices, found, number, skip_broken, on_progress)


def not_taken(place: Place, given: Path) -> list[str]:
    """Pictures of a source that the concept folder does not hold, neither by their place nor by what is in them."""
    stood = [found.entry for found in _stood(place).pictures if found.path]
    origins, digests = ({entry.origin for entry in stood}, {entry.digest for entry in stood})
    items = [item for source in sources.gather([given], place.own) for item in source.pictures]
    return [str(item.inner) for item in items if item.origin not in origins and _digest(item) not in digests]


def _digest(item: Item) -> str:
    """Empty where it cannot be read: the build that will be proposed says why."""
    try:
        return image_file.digest(item.read())
    except (OSError, zip_file.BadZip):
        return ""


def own_folder(place: Place) -> Path | None:
    """The concept's folder as it is called now; of several, that which was built."""
    there = folders.of_concept(place.parent, place.concept)
    known = record.read(place.record) or Record()
    built = place.parent / f"{known.choices.number}_{place.concept}"
    return built if built in there else next(iter(there), None)


def _build(
    place: Place,
    choices: Choices,
    found: Sequence[Source],
    number: Callable[[int], int],
    skip_broken: bool,
    on_progress: OnProgress,
) -> Built:
    seen = {path: transaction.listing(path) for path in (place.folder, place.held_out) if path is not None}
    stood = _stood(place)
    planned = plan(found, stood, choices, on_progress)
    if planned.refused and not skip_broken:
        raise told.refusal(found, planned.refused)
    here = trained(planned.pictures)
    if not here:
        raise told.nothing_left(found, planned, choices)
    choices = replace(choices, number=number(len(here)))
    folder = place.parent / f"{choices.number}_{place.concept}"
    if folder.exists() and folder != place.folder:
        raise told.in_the_way(folder)
    with lock.hold(folder) if folder != place.folder else nullcontext():
        backup, others, late = _write(place, folder, planned, stood, choices, seen, on_progress)
    if place.held_out.is_dir() and not any(place.held_out.iterdir()):
        place.held_out.rmdir()
    return _built(place, folder, planned, choices, found, backup, others, late)


def _write(
    place: Place,
    folder: Path,
    planned: Plan,
    stood: Stood,
    choices: Choices,
    seen: Mapping[Path, Mapping[str, list[int]]],
    on_progress: OnProgress,
) -> tuple[Backup, list[Other], list[Path]]:
    """All of it beside what stands, then in its place; edited captions that go are kept in the backup.

    Returns:
        what came into the folder meanwhile, too.
    """
    backup = Backup(place.parent.parent)
    made = _staged(place, planned)
    try:
        entries = write.pictures(planned.pictures, made, choices, place.extension, on_progress)
        others = []
        for held, target in made.items():
            others += write.others(stood.others[held], target, planned.pictures, held, place.extension)
        for path in (*planned.lost, *planned.doubtful):
            backup.keep(path)
        old = place.folder or folder
        crossed = {held: _crossed(planned, held) for held in made}
        moves = [transaction.move(made[False], old, folder, seen.get(old, {}), crossed[False])]
        if True in made:
            aside = place.held_out
            moves.append(transaction.move(made[True], aside, aside, seen.get(aside), crossed[True]))
        data = record.as_data(Record(choices, tuple(entries), place.extension))
        late = transaction.commit(place.record, moves, data)
    except BaseException:
        if not transaction.is_pending(place.record):
            transaction.clear(place.parents, place.concept)
        raise
    transaction.clear(place.parents, place.concept)
    return backup, others, late


def _crossed(planned: Plan, held: bool) -> list[str]:
    """Stems of what was held out and is no longer, or the other way round.

    Args:
        held: as it was.
    """
    return [
        one.entry.stem
        for one in planned.pictures
        if one.standing
        and (one.standing.entry.held, one.entry.held, one.standing.entry.stem)
        == (held, not held, one.entry.stem)
    ]


def _stood(place: Place) -> Stood:
    known = record.read(place.record) or Record()
    places = {False: place.folder or place.parent / "none", True: place.held_out}
    elsewhere = standing.held_elsewhere(place.record, place.held_out.parent)
    return replace(standing.look(known, places, place.extension), elsewhere=tuple(elsewhere))


def _staged(place: Place, planned: Plan) -> dict[bool, Path]:
    """New folders: of what is trained on and, under True, of what is held out, if anything is or was."""
    transaction.clear(place.parents, place.concept)
    made = {False: transaction.staged(place.parent, place.concept)}
    if any(one.entry.held for one in planned.pictures) or place.held_out.exists():
        made[True] = transaction.staged(place.held_out.parent, place.concept)
    return made


def _built(
    place: Place,
    folder: Path,
    planned: Plan,
    choices: Choices,
    found: Sequence[Source],
    backup: Backup,
    others: Sequence[Other],
    late: Sequence[Path],
) -> Built:
    here = trained(planned.pictures)
    made = [one for one in planned.pictures if one.is_made]
    why = Counter(reason for one in planned.pictures for reason in one.entry.why)
    return Built(
        folder,
        place.held_out,
        choices.number,
        len(here),
        sum(bool(one.text) for one in here),
        sum(one.gets_trigger for one in planned.pictures) if choices.trigger else 0,
        sum(bool(one.entry.why) for one in planned.pictures),
        dict(why.most_common()),
        tuple(one.renamed for one in planned.pictures if one.renamed),
        len(planned.pictures) - len(here),
        sum(one.standing is None for one in made),
        sum(one.standing is not None for one in made),
        len(planned.removed),
        len(planned.pictures) - len(made),
        sum(one.caption_changes for one in planned.pictures),
        (
            *told.findings(planned, choices, found, folder),
            *kept.held_out(planned, folder, place.held_out),
            *kept.doubled(planned, folder),
            *kept.lost_captions(planned, backup),
            *kept.doubtful_captions(planned, backup, folder),
            *kept.called_otherwise(others),
            *kept.late(late),
            *told.of_other_projects(found, place.own),
            *told.second_folders(folder, place.concept),
        ),
    )
