"""Captions for the pictures of a project: made by a captioner, edited, never in place of a person's own unasked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset.caption_files import Change
from kohya_wrap.dataset.captioned import Origin
from kohya_wrap.dataset.captioning import Captioning, Picture
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain.caption_edits import Edits
from kohya_wrap.domain.finding import Finding, typed
from kohya_wrap.errors import UsageError
from kohya_wrap.host import lock
from kohya_wrap.places import Places
from kohya_wrap.workflow import captioned_folders, captioners, trigger_words
from kohya_wrap.workflow.captioned_folders import Chosen
from kohya_wrap.workflow.captioners import Captioner
from kohya_wrap.workflow.provision import News, OnNews


@dataclass(frozen=True)
class CaptionRequest:
    """What was asked of `dataset caption`.

    Attributes:
        captioner: None: only the edits.
        project_trigger: whether the trigger of the project or of the concept stands in front of what a captioner writes.
        overwrite: whether it may replace captions of people.
    """

    where: Path
    captioner: Captioner | None
    edits: Edits
    project_trigger: bool = True
    overwrite: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Captioned:
    """What was written, or with a dry run would be.

    Attributes:
        captioned: whether a captioner was asked for.
        made: changes that hold a captioner's words; edited: those of what stood there.
        passed_over: of the images, those that were left alone for what is found of them.
        kept: captions of people that the captioner passed by; current: our own that need no renewal.
        triggers: what stands in front of those that were made, concept by concept.
        backup: the folder with what was replaced; None where nothing was; back_to: where its content lay.
    """

    root: Path
    images: int
    passed_over: int
    captioned: bool
    made: tuple[Change, ...]
    edited: tuple[Change, ...]
    kept: int
    current: int
    triggers: tuple[str, ...]
    backup: Path | None
    back_to: Path
    findings: tuple[Finding, ...]


def caption(request: CaptionRequest, places: Places, env: Mapping[str, str], on_news: OnNews) -> Captioned:
    """Edit the captions that stand, then make those that are to be made; after Ctrl-C the same call goes on.

    Raises:
        DatasetError: nothing to caption. UsageError: nothing was asked. EngineError: no tagger, no engine.
    """
    _require_something(request)
    trigger_words.checked("--prefix", request.edits.prefix)
    chosen = captioned_folders.choose(request.where, env)
    edits = _of_made(request, chosen)
    captioner = request.captioner
    by = captioner.remembered if captioner else ""
    alone = lock.hold(
        chosen.root / ".kohya-wrap" / "captions", lambda text: on_news(News("captions", "working", text))
    )
    with nullcontext() if request.dry_run else alone:
        work = Captioning(chosen.root, chosen.paths, dry_run=request.dry_run)
        pictures = [
            picture
            for extension, listed in _by_ending(chosen).items()
            for picture in work.look(listed, extension, chosen.triggers, overwrite=request.overwrite)
        ]
        to_make = {picture.path: picture for picture in pictures if _is_to_be_made(picture, request, by)}
        others = [picture for picture in pictures if picture.path not in to_make and picture.text is not None]
        work.edit(others, request.edits)
        if captioner and to_make:
            asked = [(picture.path, picture.facts) for picture in to_make.values()]
            for batch in captioners.captions(captioner, asked, places, on_news):
                work.make(batch, to_make, edits, by)
    images = sum(len(folder.images) for folder, _ in chosen.folders)
    current = sum(picture.origin is not None for picture in others)
    in_front = dict.fromkeys(edits[path.parent].prefix for path in to_make)
    return Captioned(
        chosen.root,
        images,
        images - len(pictures),
        captioner is not None,
        tuple(work.made),
        tuple(work.edited),
        len(others) - current if captioner else 0,
        current,
        tuple(filter(None, in_front)),
        work.backup.folder,
        work.backup.back_to,
        (*work.findings, *work.not_found(request.edits)),
    )


def _by_ending(chosen: Chosen) -> dict[str, list[Folder]]:
    found: dict[str, list[Folder]] = {}
    for folder, extension in chosen.folders:
        found.setdefault(extension, []).append(folder)
    return found


def _require_something(request: CaptionRequest) -> None:
    if not request.captioner and not request.edits:
        raise UsageError(
            "Nothing was asked of the captions.",
            why="Neither a captioner was named nor an edit.",
            hint='--with wd14, or an edit: --prefix "sks cat", --remove TAG, --replace OLD=NEW, --dedupe',
        )
    if request.overwrite and (request.captioner is None or request.captioner.by == "none"):
        raise UsageError(
            "--overwrite needs a captioner that has something to say.",
            why="It lets --with wd14 or --with blip replace captions that a person wrote; an edit needs no leave.",
            hint="--with wd14 --overwrite   (what is replaced is kept in a backup)",
        )


def _of_made(request: CaptionRequest, chosen: Chosen) -> dict[Path, Edits]:
    """By folder: the edits, and its trigger in front unless other words are asked for."""
    edits = {}
    for folder in chosen.paths:
        trigger = next(iter(chosen.triggers(folder)), "") if request.project_trigger else ""
        edits[folder] = replace(request.edits, prefix=request.edits.prefix or trigger)
    if request.captioner and request.captioner.by == "none" and not any(one.prefix for one in edits.values()):
        raise UsageError(
            "--with none has nothing to write.",
            why="It writes the trigger, and there is none: neither a build nor the config of a single concept says one.",
            hint=f'kohya-wrap dataset caption {typed(request.where)} --with none --prefix "sks cat"',
        )
    return edits


def _is_to_be_made(picture: Picture, request: CaptionRequest, by: str) -> bool:
    if request.captioner is None:
        return False
    if picture.text is None:
        return True
    if request.captioner.by == "none":
        return False
    if picture.origin is None:
        return request.overwrite
    return picture.origin != Origin(by, picture.facts.digest)
