"""The page: the cards by bucket, and the dataset as a whole beside them."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import edited_captions
from kohya_wrap.dataset.check.result import Checked
from kohya_wrap.dataset.preview import cards
from kohya_wrap.dataset.preview.cards import NO_BUCKET, Card
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.finding import Finding, Level

_TERMS_AT_FIRST = 24  # of a concept; the others unfold
_GENERATOR = "kohya-wrap dataset preview"


@dataclass(frozen=True)
class About:
    """What the page says beside what was found.

    Attributes:
        seen_as: the family and the resolution that the dataset was checked for.
        dataset: the folder of the concept folders, or of the dataset_config; edits are for the captions in it.
        findings: of the dataset as a whole, weightiest last.
        made: when, for people.
        program: how `kohya-wrap` is typed here.
        edited: the config whose dataset_config names the folders; None where `dataset` has them.
    """

    title: str
    seen_as: str
    dataset: Path
    findings: Sequence[Finding]
    made: str
    program: str = "kohya-wrap"
    edited: Path | None = None


@dataclass(frozen=True)
class Group:
    """The images of one bucket; `size` None: of those without one."""

    name: str
    size: Size | None
    cards: Sequence[Card]


@dataclass(frozen=True)
class ShownTerm:
    number: int
    text: str
    captions: int
    share: float
    given_trigger: float | None


def render(
    checked: Checked, about: About, templates: Path, on_images: Callable[[int, int], None] = lambda *_: None
) -> str:
    """The whole page as HTML; nothing in it comes from elsewhere, and it may run no other script than its own.

    Args:
        on_images: told how many pictures were made small, of how many.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = {
        (concept.folder, term.text): number
        for number, (concept, term) in enumerate((c, t) for c in checked.concepts for t in c.terms)
    }
    concepts = list({concept.folder: concept for concept in checked.concepts}.values())
    shown = list(_counted(cards.of(checked, numbers, about.dataset), len(checked.images), on_images))
    style, script = (_own(templates / f"dataset.{ending}") for ending in ("css", "js"))
    text = environment.get_template("dataset.html.j2").render(
        generator=_GENERATOR,
        about=about,
        checked=checked,
        concepts=concepts,
        findings=[(finding, _file_of(finding, about.dataset)) for finding in reversed(about.findings)],
        groups=_groups(checked, shown),
        terms=_terms(checked, numbers),
        at_first=_TERMS_AT_FIRST,
        many=len(shown) > cards.MANY,
        codes=_codes(shown),
        levels=Counter(finding.level.value for finding in about.findings),
        saved={
            "kohya_wrap": "captions",
            "schema": edited_captions.SCHEMA,
            "dataset": str(about.edited or about.dataset),
            "caption_extension": checked.inventory.caption_extension,
        },
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return text.encode("utf-8", "replace").decode()  # names that are no UTF-8


def is_one(path: Path) -> bool:
    """Whether the file is a page that was made here, by its beginning."""
    with path.open("rb") as file:
        return f'content="{_GENERATOR}"'.encode() in file.read(2000)


def _own(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names what may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _counted(made: Iterable[Card], total: int, on_images: Callable[[int, int], None]) -> Iterator[Card]:
    for done, card in enumerate(made, 1):
        on_images(done, total)
        yield card


def _file_of(finding: Finding, dataset: Path) -> str:
    """What the finding is about, from the dataset's folder; empty where its message says it."""
    inside = finding.where.removeprefix(f"{dataset}{os.sep}")
    return "" if Path(inside).name in finding.message else inside


def _groups(checked: Checked, shown: Sequence[Card]) -> list[Group]:
    """In the order of the buckets; what has none comes first, since the engine dies of it."""
    order = {NO_BUCKET: None, **{cards.name_of(bucket.size): bucket.size for bucket in checked.buckets}}
    held = {name: [card for card in shown if card.bucket == name] for name in order}
    return [Group(name, size, held[name]) for name, size in order.items() if held[name]]


def _terms(checked: Checked, numbers: Mapping[cards.Term, int]) -> dict[str, list[ShownTerm]]:
    """By concept, those in two captions or more."""
    return {
        concept.folder: [
            ShownTerm(
                numbers[concept.folder, term.text], term.text, term.captions, term.share, term.given_trigger
            )
            for term in concept.terms
            if term.captions > 1
        ]
        for concept in checked.concepts
    }


def _codes(shown: Sequence[Card]) -> list[tuple[str, int]]:
    """What was found of images, by how many, the weightiest first."""
    count = Counter(code for card in shown for code in card.codes)
    levels = {finding.code: finding.level for card in shown for finding in card.findings}
    order = list(Level)
    return sorted(
        count.items(), key=lambda item: (-order.index(levels.get(item[0], Level.NOTE)), -item[1], item[0])
    )
