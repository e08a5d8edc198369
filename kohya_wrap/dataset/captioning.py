"""The captions of a dataset in one run over them: looked at, edited, made, each change remembered."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import caption_files, folders, inventory, overlooked
from kohya_wrap.dataset.caption_files import Backup, Change
from kohya_wrap.dataset.captioned import Origin, Record
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain.caption_edits import Edits, key_of, tags_of
from kohya_wrap.domain.dataset import ImageFacts
from kohya_wrap.domain.finding import Finding, Level, typed


@dataclass(frozen=True)
class Picture:
    """Attributes:
    text: None where it has no caption, or an empty one.
    origin: where the caption is one of ours.
    """

    path: Path
    facts: ImageFacts
    caption: Path
    text: str | None
    origin: Origin | None


class Captioning:
    """Attributes:
    made: changes that hold a captioner's words.
    edited: changes of what stood there.
    """

    def __init__(self, root: Path, folders: Iterable[Path], *, dry_run: bool) -> None:
        """`root`: whose `.kohya-wrap/` remembers; `folders`: of the captions. With `dry_run` nothing is written."""
        self.made: list[Change] = []
        self.edited: list[Change] = []
        self.findings: list[Finding] = []
        self.backup = Backup(root, folders)
        self._dry_run = dry_run
        self._record = Record(root)
        self._tags: dict[str, str] = {}  # key -> a spelling of it, of all that stood or came

    def look(
        self,
        listed: Sequence[Folder],
        extension: str,
        triggers: Callable[[Path], tuple[str, ...]],
        *,
        overwrite: bool,
    ) -> Iterator[Picture]:
        """Every picture with its caption; what cannot be read, or is passed over by the engine, becomes a finding.

        Args:
            triggers: of a folder, what `build` or `init` may have written: alone, or in place of another in front.
            overwrite: a caption that is no UTF-8 need not be readable.
        """
        self.findings += overlooked.inside(listed)
        taken: set[Path] = set()
        for folder in listed:
            for path, facts in zip(folder.images, inventory.look(folder.images), strict=True):
                beside = Path(f"{path.with_suffix('')}{extension}")
                caption = folders.caption_of(path, extension) or beside
                if isinstance(facts, Finding):
                    self.findings.append(facts)
                elif caption_files.real(caption) in taken:
                    self.findings.append(_shared(path, caption))
                elif not overwrite and (other := _otherwise(path, caption)):
                    self.findings.append(_ends_otherwise(path, other, extension))
                else:
                    taken.add(caption_files.real(caption))
                    if not self._dry_run:
                        caption_files.remove_left(caption)
                    yield from self._picture(path, facts, caption, triggers(folder.path), overwrite=overwrite)

    def _picture(
        self, path: Path, facts: ImageFacts, caption: Path, triggers: tuple[str, ...], *, overwrite: bool
    ) -> Iterator[Picture]:
        text = inventory.caption_text(caption, "it is left as it is")
        if isinstance(text, Finding) and overwrite and text.code == "not-utf8":
            text = ""
        if isinstance(text, Finding):
            self.findings.append(text)
        elif text.strip():
            origin = self._record.origin(caption, text, triggers)
            alone = Origin("trigger", "") if text.strip() in triggers else None
            yield Picture(path, facts, caption, text, origin or alone)
        else:
            yield Picture(path, facts, caption, None, None)

    def edit(self, pictures: Sequence[Picture], edits: Edits) -> None:
        """All of them or none. A caption of ours stays ours."""
        texts = {picture.caption: self._edited(picture.text or "", edits) for picture in pictures}
        self.findings += [_emptied(path) for path, text in texts.items() if not text.strip()]
        origins = {
            picture.caption: origin and replace(origin, trigger=edits.prefix or origin.trigger)
            for picture in pictures
            for origin in (picture.origin,)
        }
        self.edited += self._write(texts, origins)

    def make(
        self,
        batch: Iterable[tuple[Path, str | Finding]],
        pictures: Mapping[Path, Picture],
        edits: Mapping[Path, Edits],
        by: str,
    ) -> None:
        """Write what a captioner says of some pictures, edited.

        Args:
            edits: by folder. by: the captioner as it is remembered.
        """
        texts: dict[Path, str] = {}
        origins: dict[Path, Origin | None] = {}
        for path, words in batch:
            picture = pictures[path]
            if isinstance(words, Finding):
                self.findings.append(words)
            elif text := self._edited(words, edits[path.parent]).strip():
                texts[picture.caption] = text + "\n"
                origins[picture.caption] = Origin(by, picture.facts.digest, edits[path.parent].prefix)
            else:
                self.findings.append(_nothing_to_say(picture))
        self.made += self._write(texts, origins)

    def _edited(self, text: str, edits: Edits) -> str:
        self._tags |= {key_of(tag): tag for tag in tags_of(text)}
        return edits.apply(text) or "\n"  # of a caption without a byte the engine would die

    def _write(self, texts: Mapping[Path, str], origins: Mapping[Path, Origin | None]) -> tuple[Change, ...]:
        changes = caption_files.plan(texts)
        if changes and not self._dry_run:
            self._record.add({c.path: (c.new, origin) for c in changes if (origin := origins[c.path])})
            caption_files.write(changes, self.backup)
        return changes

    def not_found(self, edits: Edits) -> Iterator[Finding]:
        """Tags that were to be removed or replaced and stand nowhere: misspelt, mostly."""
        for tag in edits.looked_for:
            if key_of(tag) not in self._tags:
                close = difflib.get_close_matches(key_of(tag), self._tags, n=1, cutoff=0.6)
                yield Finding(
                    Level.WARNING,
                    "tag-not-found",
                    f"no caption has {tag!r} as a tag of its own, between commas.",
                    f"Meant {self._tags[close[0]]!r}?" if close else "",
                )


def _otherwise(picture: Path, caption: Path) -> Path | None:
    """A caption of another ending, where nothing stands in one of this: a person's, which a new one would put out of use."""
    others = (picture.with_suffix(ending) for ending in (".txt", ".caption"))
    return None if _says_something(caption) else next(filter(_says_something, others), None)


def _says_something(caption: Path) -> bool:
    try:
        if caption_files.no_caption(caption):
            return caption.is_file()
        return caption.is_file() and bool(caption.read_bytes().strip())
    except PermissionError:  # nobody can say that it does not
        return True


def _ends_otherwise(picture: Path, other: Path, extension: str) -> Finding:
    return Finding(
        Level.WARNING,
        "caption-ends-otherwise",
        f"{picture.parent.name}/{other.name} is the caption of {picture.name}, and not read: the others end in {extension}.",
        f"mv {typed(other)} {typed(other.with_suffix(extension))}   (or --overwrite, to have another made)",
        str(picture),
    )


def _shared(picture: Path, caption: Path) -> Finding:
    return Finding(
        Level.WARNING,
        "same-stem",
        f"{picture.name} shares its caption {caption.name} with another picture.",
        "Rename one of them, and its caption.",
        str(picture),
    )


def _emptied(caption: Path) -> Finding:
    return Finding(
        Level.WARNING,
        "caption-emptied",
        f"nothing is left of {caption.parent.name}/{caption.name}: its picture is trained without words.",
        "Write something into it, the trigger at least: --prefix WORDS",
        str(caption),
    )


def _nothing_to_say(picture: Picture) -> Finding:
    path = picture.path
    left = "no caption was written" if picture.text is None else f"{picture.caption.name} is left as it was"
    return Finding(
        Level.WARNING,
        "no-words",
        f"{path.parent.name}/{path.name}: there is nothing to say, so {left}.",
        "A lower --threshold, or write it by hand.",
        str(path),
    )
