"""All that can be known of a dataset before it is trained: image by image, caption by caption, and as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kohya_wrap.dataset import folders, inventory
from kohya_wrap.dataset.check import (
    arithmetic,
    audit,
    caches,
    checklist,
    duplicates,
    fusing,
    images,
    remarks,
    texts,
    variety,
)
from kohya_wrap.dataset.check.look import LEAST, Look, measure
from kohya_wrap.dataset.check.remarks import Remark
from kohya_wrap.dataset.check.result import Checked, CheckedImage, Concept
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain import buckets, framing
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.dataset import ImageFacts, Inventory, Subset
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.host import image_file

__all__ = ["Settings", "check", "looking", "survey"]

Looks = dict[Path, Look]
_REPEATS = 10  # as `dataset build` has it


def survey(
    folder: Path, caption_extension: str | None, on_image: Callable[[], None], *, loose: bool = False
) -> tuple[Inventory, Looks]:
    """What the engine would read there, and how each image looks; every file is read once, in several threads.

    Args:
        loose: the images lie in `folder` itself; it is taken for the folder that `dataset build` makes of it.

    Raises:
        DatasetError: as inventory.survey.
    """
    read, looks = looking(on_image)
    if loose:
        pictures = folders.loose(folder, _REPEATS)
        return inventory.survey_loose(pictures, caption_extension, read), looks
    return inventory.survey(folder, caption_extension, read), looks


def looking(on_image: Callable[[], None]) -> tuple[inventory.Read, Looks]:
    """A reader for an inventory, and where it leaves how each image looks."""
    looks: Looks = {}

    def read(path: Path) -> ImageFacts:
        on_image()
        facts, picture = image_file.facts_and_picture(path, LEAST)
        looks[path] = measure(picture)
        return facts

    return read, looks


def check(
    found: Inventory,
    looks: Looks,
    settings: Settings,
    regular: Inventory | None = None,
    before: tuple[Finding, ...] = (),
) -> Checked:
    """Judge what `survey` has read.

    Args:
        regular: the regularisation images; they are only counted.
        before: what is known already of the folder.
    """
    subsets = [subset for subset in found.subsets if subset.images]
    spoken = {i.path: texts.trained(i.caption, settings.config) for s in subsets for i in s.images}
    concepts = [
        audit.concept(s, {i.path.name: spoken[i.path] for i in s.images}, settings, alone=len(subsets) == 1)
        for s in subsets
    ]
    bare = _bare(subsets, concepts, looks, spoken, settings)
    twins = duplicates.find({i.name: i.image.facts.digest for i in bare}, {i.name: i.look for i in bare})
    others = twins.of()
    remarked = [(image, tuple(_remarks(image, settings))) for image in bare]
    checked = tuple(_complete(image, said, others.get(image.name, ())) for image, said in remarked)
    said = (
        *before,
        *found.findings,
        *remarks.of_many(((i.image.path, one) for i, several in remarked for one in several), len(bare)),
        *duplicates.findings(twins, flip=settings.config.get("flip_aug", False)),
        *caches.findings(subsets, settings.family.name),
        *_captions(subsets, concepts, checked, settings),
        *variety.findings(checked),
        *_uncounted(settings),
    )
    filled, plan = arithmetic.count(found, regular, settings)
    size = variety.size_class(len(checked))
    return Checked(
        found, checked, filled, plan, tuple(concepts), size, checklist.ticked(checked, said, settings), said
    )


def _bare(
    subsets: Sequence[Subset],
    concepts: Sequence[Concept],
    looks: Looks,
    spoken: dict[Path, str],
    settings: Settings,
) -> list[CheckedImage]:
    """Each image with what was measured of it; what is to be said of it comes later."""
    counts = dict(zip(spoken, texts.counted(list(spoken.values()), settings), strict=True))
    among = (
        buckets.candidates(settings.rule) if settings.rule.enabled and not settings.rule.no_upscale else None
    )
    return [
        CheckedImage(
            image=image,
            repeats=subset.repeats,
            look=looks[image.path],
            framing=framing.frame(settings.rule, image.facts.size, among),
            text=spoken[image.path],
            tokens=counts[image.path],
            has_trigger=has_trigger(spoken[image.path], concept.trigger) if concept.trigger else None,
        )
        for subset, concept in zip(subsets, concepts, strict=True)
        for image in subset.images
    ]


def _remarks(image: CheckedImage, settings: Settings) -> Iterator[Remark]:
    yield from images.remarks(image.image.path, image.image.facts, image.look, image.framing, settings)
    yield from texts.remarks(image.image.caption, image.tokens, settings)


def _complete(image: CheckedImage, said: Sequence[Remark], alike: tuple[str, ...]) -> CheckedImage:
    findings = tuple(remarks.of_one(image.image.path, remark) for remark in said)
    return replace(image, alike=alike, findings=findings)


def _captions(
    subsets: Sequence[Subset],
    concepts: Sequence[Concept],
    checked: Sequence[CheckedImage],
    settings: Settings,
) -> Iterator[Finding]:
    for subset, concept in zip(subsets, concepts, strict=True):
        mine = [image for image in checked if image.image.path.parent == subset.folder]
        yield from audit.findings(concept, mine, settings)
        names = [image.image.path.name for image in mine if image.image.caption.path is not None]
        yield from fusing.findings(concept, names, settings.subject, str(subset.folder))


def _uncounted(settings: Settings) -> Iterator[Finding]:
    if settings.tokenizer is None:
        yield Finding(
            Level.NOTE, "tokens-not-counted",
            "the captions' tokens were not counted: the tokenizer comes with the engine.",
            "kohya-wrap init   on the machine that shall train",
        )  # fmt: skip
    if settings.config.get("validation_split"):
        yield Finding(
            Level.NOTE, "validation-split",
            "`validation_split` takes images out of the training: buckets, batches and steps are counted without it.",
        )  # fmt: skip
