"""One image of the page: its thumbnail with the crop, its caption, what was found of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import edited_captions
from kohya_wrap.dataset.check.remarks import listed
from kohya_wrap.dataset.check.result import Checked, CheckedImage
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.framing import Box
from kohya_wrap.host import thumbnail
from kohya_wrap.host.thumbnail import Thumbnail

MANY = 300  # images, from which on the page must be kept light
_SIDE, _SMALL_SIDE = 384, 256  # pixels of the longer side; the smaller one where there are many
_AT_ONCE = 64  # pictures read ahead
_LINE = 44  # letters in one line of the caption's field, about
NO_BUCKET = "no bucket"

Term = tuple[str, str]  # concept, text


@dataclass(frozen=True)
class Card:
    """Attributes:
    key: of its caption in the saved file; images that share a caption share the key.
    image: the picture's digest.
    text: the whole caption, empty where there is no file; `end` is its last newline, not shown.
    trained: what is trained, where that is something else than the caption's one line.
    whole: the outline of the image, in its pixels; `kept` is that of what is trained, empty where all of it is.
    alike: the names of images that show the same, in words.
    terms: numbers of those that stand in its caption.
    dataset: of several in a dataset_config, counted from 1; else 0.
    codes: of its findings, and of those of the dataset that are about it.
    """

    number: int
    name: str
    concept: str
    bucket: str
    thumbnail: Thumbnail
    size: Size
    scale: float
    lost: float
    whole: str
    kept: str
    tokens: int | None
    has_trigger: bool | None
    key: str
    image: str
    exists: bool
    editable: bool
    text: str
    end: str
    trained: str
    rows: int
    alike: str
    terms: tuple[int, ...]
    findings: tuple[Finding, ...]
    codes: tuple[str, ...]
    dataset: int


def of(checked: Checked, terms: Mapping[Term, int], dataset: Path) -> Iterator[Card]:
    """In the engine's order; the pictures are read in several threads, a few ahead.

    Args:
        terms: number of each term of each concept.
        dataset: from which captions are named.
    """
    standing = _standing(checked, terms)
    copies = Counter(image.image.facts.digest for image in checked.images)
    side = _SIDE if len(checked.images) <= MANY else _SMALL_SIDE
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(checked.images), _AT_ONCE):
            batch = checked.images[start : start + _AT_ONCE]
            small = pool.map(lambda image: thumbnail.make(image.image.path, side), batch)
            for number, (image, picture) in enumerate(zip(batch, small, strict=True), start):
                codes = {finding.code for finding in image.findings} | _twins(image, copies)
                card = _card(number, image, picture, dataset)
                yield replace(card, terms=standing.get(_place(image), ()), codes=tuple(sorted(codes)))


def _standing(checked: Checked, terms: Mapping[Term, int]) -> dict[tuple[str, str], tuple[int, ...]]:
    """(concept, file name) -> the numbers of the terms in its caption."""
    found: dict[tuple[str, str], set[int]] = {}
    for concept in checked.concepts:
        for term in concept.terms:
            for name in term.names:
                found.setdefault((concept.folder, name), set()).add(terms[concept.folder, term.text])
    return {place: tuple(sorted(numbers)) for place, numbers in found.items()}


def _twins(image: CheckedImage, copies: Mapping[str, int]) -> set[str]:
    same = copies[image.image.facts.digest] - 1
    return {*(["duplicate"] if same else []), *(["near-duplicate"] if len(image.alike) > same else [])}


def _place(image: CheckedImage) -> tuple[str, str]:
    return image.concept, image.image.path.name


def _card(number: int, image: CheckedImage, picture: Thumbnail, dataset: Path) -> Card:
    """But for its terms and codes."""
    facts, caption, framing = image.image.facts, image.image.caption, image.framing
    whole = (0, 0, *facts.size)
    concept, name = _place(image)
    path = edited_captions.path_of(image.image.path, image.caption_extension)
    key = edited_captions.key_of(path, dataset)
    text = caption.text if caption.path else ""
    shown = text.removesuffix("\n")
    return Card(
        number=number,
        name=name,
        concept=concept,
        bucket=name_of(framing.bucket) if framing else NO_BUCKET,
        thumbnail=picture,
        size=facts.size,
        scale=framing.scale if framing else 1.0,
        lost=framing.lost if framing else 0.0,
        whole=_rectangle(whole),
        kept=_rectangle(framing.crop) if framing and framing.crop != whole else "",
        tokens=image.tokens,
        has_trigger=image.has_trigger,
        key=key,
        image=facts.digest,
        exists=caption.path is not None,
        editable=_survives(key) and _survives(text),
        text=shown,
        end=text[len(shown) :] if caption.path else "\n",
        trained="" if image.text == shown else image.text,
        rows=max(2, sum(1 + len(line) // _LINE for line in shown.split("\n"))),
        alike=listed(list(image.alike)),
        terms=(),
        findings=image.findings,
        codes=(),
        dataset=image.dataset,
    )


def name_of(bucket: Size) -> str:
    return "x".join(map(str, bucket))


def _rectangle(box: Box) -> str:
    """As the path of an SVG."""
    left, top, right, bottom = box
    return f"M{left} {top}H{right}V{bottom}H{left}Z"


def _survives(text: str) -> bool:
    """Whether it comes back from a page as it went in: no zero byte, and no name that is no UTF-8."""
    return "\0" not in text and text == text.encode("utf-8", "replace").decode()
