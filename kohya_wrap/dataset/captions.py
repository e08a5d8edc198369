"""The captions of a dataset as the engine reads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.domain import captions
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.dataset import ImageFacts, Inventory, Subset
from kohya_wrap.domain.finding import Finding, Level


def style_of(inventory: Inventory) -> CaptionStyle | None:
    """Tags or prose, from the line of each caption that the engine reads: the first."""
    files = {image.caption for subset in inventory.subsets for image in subset.images if image.caption}
    texts = (path.read_text(encoding="utf-8").splitlines() for path in files)
    return captions.style_of(lines[0] for lines in texts if lines)


def trigger_lacks(inventory: Inventory, trigger: str, project: Path) -> Iterator[Finding]:
    """Pictures put in by hand after `init`, whose captions do not call the trigger. Several concepts have one each."""
    full = [subset for subset in inventory.subsets if subset.images]
    if not trigger or len(full) != 1:
        return
    images = full[0].images
    without = sum(not captions.has_trigger(_caption(image, full[0]), trigger) for image in images)
    if without:
        yield Finding(
            Level.WARNING,
            "no-trigger",
            f"{without} of {len(images)} images in {full[0].folder.name}/ have no {trigger!r} in their captions.",
            f"To have it written into them: kohya-wrap init {shlex.quote(str(project))}",
            str(full[0].folder),
        )


def _caption(image: ImageFacts, subset: Subset) -> str:
    return image.caption.read_text(encoding="utf-8-sig") if image.caption else subset.class_tokens
