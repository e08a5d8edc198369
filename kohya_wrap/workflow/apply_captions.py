"""Captions edited in the preview page, written into the dataset: those that are still what they were there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import caption_files, edited_captions
from kohya_wrap.dataset.caption_files import Backup, Change
from kohya_wrap.dataset.edited_captions import Edit, EditedCaptions, Known
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file, lock, whole_file
from kohya_wrap.workflow import captioned_folders
from kohya_wrap.workflow.captioned_folders import Chosen


@dataclass(frozen=True)
class ApplyRequest:
    """Attributes:
    where: None: the dataset that the page was made of.
    skip: write the others where some cannot be written.
    """

    file: Path
    where: Path | None = None
    skip: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Applied:
    """What was written, or with a dry run would be.

    Attributes:
        standing: captions that have their new text already.
        backup: the folder with what was replaced; None where nothing was; back_to: where its content lay.
        findings: captions that were left as they are.
    """

    root: Path
    changes: tuple[Change, ...]
    standing: int
    backup: Path | None
    back_to: Path
    findings: tuple[Finding, ...]


def apply(request: ApplyRequest, env: Mapping[str, str]) -> Applied:
    """Write all of them, or none: half of an evening's work written is harder to tell from the other half than none.

    Raises:
        UsageError: no file of the page's. ConfigError: of the project. DatasetError: another project; a caption that is
        none; captions that have changed since, or are gone, all attached (unless they are to be skipped).
    """
    edited = edited_captions.read(request.file)
    _refuse_too_long(edited)
    chosen = _chosen(request, edited, env)
    known = edited_captions.known(_listed(chosen, edited), chosen.dataset)
    edited = edited.model_copy(update={"edits": edited_captions.renumbered(edited.edits, known)})
    same = request.where is None or chosen.dataset.absolute() == edited.dataset
    if edited.edits and not known.keys() & edited.edits and not (request.skip and same):
        raise _another(request, edited, chosen)
    with nullcontext() if request.dry_run else lock.hold(chosen.root / ".kohya-wrap" / "captions"):
        wrong = tuple(_wrong(edited, known))
        if wrong and not request.skip:
            raise _refusal(request, edited, wrong)
        left = {finding.where for finding in wrong}
        texts = {
            known[key].path: edit.new or "\n"  # of a caption without a byte the engine would die
            for key, edit in edited.edits.items()
            if key not in left
        }
        changes, backup = caption_files.plan(texts), Backup(chosen.root, chosen.paths)
        if changes and not request.dry_run:
            caption_files.write(changes, backup)
    standing = len(texts) - len(changes)
    return Applied(chosen.root, changes, standing, backup.folder, backup.back_to, wrong)


def _listed(chosen: Chosen, edited: EditedCaptions) -> list[tuple[Folder, str]]:
    """With the ending that the page was made with; each folder of a dataset_config has its own."""
    extension = edited.caption_extension
    return [(folder, own if chosen.configured else extension) for folder, own in chosen.folders]


def _refuse_too_long(edited: EditedCaptions) -> None:
    for key, edit in edited.edits.items():
        if wrong := caption_files.too_long(key, len(edit.new.encode())):
            raise DatasetError(
                wrong,
                why="Something else was pasted into it; nothing was written.",
                hint="Shorten it in the page, and save anew.",
            )


def _chosen(request: ApplyRequest, edited: EditedCaptions, env: Mapping[str, str]) -> Chosen:
    if request.where is None and not edited.dataset.exists():
        raise DatasetError(
            f"{edited.dataset} is not here.",
            why=f"{request.file.name} was saved in a page that was made of it, perhaps on another machine.",
            hint=f"Name the project that has these captions: kohya-wrap dataset apply {typed(request.file)} PROJECT",
        )
    try:
        return captioned_folders.choose(request.where or edited.dataset, env)
    except DatasetError as error:
        error.hint = f"Name the project that the page was made of: kohya-wrap dataset apply {typed(request.file)} PROJECT"
        raise


def _wrong(edited: EditedCaptions, known: Mapping[str, Known]) -> Iterator[Finding]:
    """Those that cannot be written; `where` is the edit's key."""
    for key, edit in edited.edits.items():
        if key not in known:
            yield Finding(Level.WARNING, "no-image", "its image is gone, or was renamed.", "", key)
        elif not _same_pictures(known[key], edit):
            said = "its picture is another one since the page was made."
            yield Finding(Level.WARNING, "another-image", said, "", key)
        elif not _as_it_was(known[key].path, edit):
            yield Finding(Level.WARNING, "changed-since", "it has changed since the page was made.", "", key)


def _same_pictures(found: Known, edit: Edit) -> bool:
    try:
        return {image_file.digest(whole_file.read(image)) for image in found.images} == edit.images
    except OSError:
        return False


def _as_it_was(path: Path, edit: Edit) -> bool:
    """Or as it shall be, or as the page saved it before."""
    if caption_files.no_caption(path):
        return False
    return caption_files.read(path) in (edit.old, edit.new or "\n", *(text or "\n" for text in edit.saved))


def _another(request: ApplyRequest, edited: EditedCaptions, chosen: Chosen) -> DatasetError:
    return DatasetError(
        f"No caption in {request.file.name} belongs to an image in {chosen.root}.",
        why=f"It was saved in a page of another project, {edited.dataset}; or the images were renamed since.",
        hint=f"kohya-wrap dataset apply {typed(request.file)} PROJECT",
    )


def _refusal(request: ApplyRequest, edited: EditedCaptions, wrong: tuple[Finding, ...]) -> DatasetError:
    others = len(edited.edits) - len(wrong)
    first = f"{wrong[0].where}: {wrong[0].message}"
    return DatasetError(
        first if len(wrong) == 1 else f"{len(wrong)} of {len(edited.edits)} captions cannot be written.",
        why="What the page shows is no longer what is in the dataset, so nothing was written.",
        hint=f"The other {others} with --skip-changed; for these make the page anew: kohya-wrap dataset preview"
        if others
        else "Make the page anew, and edit there: kohya-wrap dataset preview",
        findings=wrong if len(wrong) > 1 else (),
    )
