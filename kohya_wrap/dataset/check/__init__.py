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
from kohya_wrap.dataset.check.together import together
from kohya_wrap.domain import buckets, framing, validation
from kohya_wrap.domain.captions import has_trigger
from kohya_wrap.domain.dataset import ImageFacts, Inventory, Subset
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.host import image_file

__all__ = ["Settings", "check", "looking", "survey", "together"]

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
    among: Sequence[Path] = (),
) -> Checked:
    """Judge what `survey` has read.

    Args:
        regular: the regularisation images; they are counted, and must be of a size that can be trained on.
        before: what is known already of the folder.
        among: folders that are checked as well, from which these are told by their names.
    """
    subsets = [subset for subset in found.subsets if subset.images]
    own = [settings.of(subset) for subset in subsets]
    spoken = [
        [texts.trained(image.caption, of_it.config) for image in subset.images]
        for subset, of_it in zip(subsets, own, strict=True)
    ]
    called = folders.called([subset.folder for subset in subsets], among)
    concepts = [
        audit.concept(subset, name, _by_name(subset, said), of_it, alone=len(subsets) == 1)
        for subset, name, said, of_it in zip(subsets, called, spoken, own, strict=True)
    ]
    by_subset = _bare(subsets, concepts, looks, spoken, settings)
    bare = [image for mine in by_subset for image in mine]
    twins = duplicates.find({i.name: i.image.facts.digest for i in bare}, {i.name: i.look for i in bare})
    others = twins.of()
    remarked = [
        (image, tuple(_remarks(image, of_it)))
        for mine, of_it in zip(by_subset, own, strict=True)
        for image in mine
    ]
    checked = tuple(_complete(image, said, others.get(image.name, ())) for image, said in remarked)
    said = (
        *before,
        *found.findings,
        *remarks.of_many(((i.image.path, one) for i, several in remarked for one in several), len(bare)),
        *_regular(regular, settings),
        *duplicates.findings(twins, flip=settings.config.get("flip_aug", False)),
        *caches.findings(subsets, settings.family.name),
        *_captions(subsets, concepts, by_subset, own),
        *variety.findings(checked),
        *_uncounted(found, settings),
    )
    filled, plan = arithmetic.count(found, regular, settings)
    size = variety.size_class(len(checked))
    return Checked(
        found, checked, filled, plan, tuple(concepts), size, checklist.ticked(checked, said, settings), said
    )


def _by_name(subset: Subset, spoken: Sequence[str]) -> dict[str, str]:
    return {image.path.name: text for image, text in zip(subset.images, spoken, strict=True)}


def _bare(
    subsets: Sequence[Subset],
    concepts: Sequence[Concept],
    looks: Looks,
    spoken: Sequence[Sequence[str]],
    settings: Settings,
) -> list[list[CheckedImage]]:
    """By folder, each image with what was measured of it; what is to be said of it comes later."""
    counts = iter(texts.counted([text for of_one in spoken for text in of_one], settings))
    among = (
        buckets.candidates(settings.rule) if settings.rule.enabled and not settings.rule.no_upscale else None
    )
    return [
        [
            CheckedImage(
                image=image,
                concept=concept.folder,
                caption_extension=subset.caption_extension,
                repeats=subset.repeats,
                look=looks[image.path],
                framing=framing.frame(settings.rule, image.facts.size, among),
                text=text,
                tokens=next(counts),
                has_trigger=has_trigger(text, concept.trigger) if concept.trigger else None,
            )
            for image, text in zip(subset.images, said, strict=True)
        ]
        for subset, concept, said in zip(subsets, concepts, spoken, strict=True)
    ]


def _remarks(image: CheckedImage, settings: Settings) -> Iterator[Remark]:
    yield from images.remarks(image.image.path, image.image.facts, image.look, image.framing, settings)
    yield from texts.remarks(image.image.caption, image.tokens, settings)


def _complete(image: CheckedImage, said: Sequence[Remark], alike: tuple[str, ...]) -> CheckedImage:
    findings = tuple(remarks.of_one(image.image.path, remark) for remark in said)
    return replace(image, alike=alike, findings=findings)


def _regular(found: Inventory | None, settings: Settings) -> Iterator[Finding]:
    if found is not None:
        said = (
            (image.path, remark)
            for subset in found.subsets
            for image in subset.images
            for remark in images.size_remarks(image.facts, settings.rule, settings.of(subset).config)
        )
        yield from remarks.of_many(said, found.images)


def _captions(
    subsets: Sequence[Subset],
    concepts: Sequence[Concept],
    by_subset: Sequence[Sequence[CheckedImage]],
    own: Sequence[Settings],
) -> Iterator[Finding]:
    for subset, concept, mine, settings in zip(subsets, concepts, by_subset, own, strict=True):
        yield from audit.findings(concept, mine, settings)
        names = [image.image.path.name for image in mine if image.image.caption.path is not None]
        yield from fusing.findings(concept, names, settings.subject, str(subset.folder))


def _uncounted(found: Inventory, settings: Settings) -> Iterator[Finding]:
    if settings.tokenizer is None:
        yield Finding(
            Level.NOTE, "tokens-not-counted",
            "the captions' tokens were not counted: the tokenizer comes with the engine.",
            "kohya-wrap init   on the machine that shall train",
        )  # fmt: skip
    if aside := found.images - validation.trained(found, settings.config).images:
        yield Finding(
            Level.NOTE, "validation-split",
            f"`validation_split` sets {aside} of {found.images} images aside: they are judged by, and not trained on.",
        )  # fmt: skip
