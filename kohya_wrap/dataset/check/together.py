"""Several datasets, checked one by one since each has buckets and batches of its own, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kohya_wrap.dataset.check import arithmetic, checklist, variety
from kohya_wrap.dataset.check.result import Checked, CheckedImage
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Finding

_OF_ALL_IMAGES = frozenset(("few-images", "many-images", "grey", "lit-alike"))


def together(several: Sequence[Checked], found: Inventory, settings: Settings) -> Checked:
    """Args:
    several: in the file's order.
    found: all that they hold.
    settings: of them as a whole: epochs and steps.
    """
    numbered = [_numbered(checked, number) for number, checked in enumerate(several, 1)]
    images = tuple(image for checked in numbered for image in checked.images)
    buckets = tuple(bucket for checked in numbered for bucket in checked.buckets)
    once = tuple({image.image.path: image for image in images}.values())
    said = (*_findings(several), *variety.findings(once))
    return Checked(
        inventory=found,
        images=images,
        buckets=buckets,
        plan=arithmetic.planned([bucket.batches for bucket in buckets], 1, settings),
        concepts=tuple(concept for checked in numbered for concept in checked.concepts),
        size_class=variety.size_class(len(once)),
        checklist=checklist.ticked(images, said, settings),
        findings=said,
    )


def _numbered(checked: Checked, number: int) -> Checked:
    return replace(
        checked,
        images=tuple(_of(image, number) for image in checked.images),
        buckets=tuple(replace(bucket, dataset=number) for bucket in checked.buckets),
        concepts=tuple(replace(concept, dataset=number) for concept in checked.concepts),
    )


def _of(image: CheckedImage, number: int) -> CheckedImage:
    return replace(image, dataset=number)


def _findings(several: Sequence[Checked]) -> Iterator[Finding]:
    """What is so of all of them once; of the others, with the number of the dataset."""
    everywhere = set.intersection(*({*checked.findings} for checked in several))
    yield from (finding for finding in several[0].findings if finding in everywhere and _is_of_one(finding))
    for number, checked in enumerate(several, 1):
        for finding in checked.findings:
            if finding not in everywhere and _is_of_one(finding):
                yield replace(finding, message=f"[[datasets]] {number}: {finding.message}")


def _is_of_one(finding: Finding) -> bool:
    return finding.code not in _OF_ALL_IMAGES
