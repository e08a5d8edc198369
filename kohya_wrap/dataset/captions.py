"""The captions of a dataset as the engine reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.domain import captions
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Finding, Level, typed


def style_of(inventory: Inventory) -> CaptionStyle | None:
    """Tags or prose, from the line of each caption that the engine reads."""
    written = {i.caption.path: i.caption.line for s in inventory.subsets for i in s.images if i.caption.path}
    return captions.style_of(written.values())


def trigger_lacks(inventory: Inventory, trigger: str, project: Path) -> Iterator[Finding]:
    """Pictures put in by hand after `init`, whose captions do not call the trigger. Several concepts have one each."""
    full = [subset for subset in inventory.subsets if subset.images]
    if not trigger or len(full) != 1:
        return
    images, prefix = full[0].images, full[0].options.get("caption_prefix", "")
    without = sum(not captions.has_trigger(f"{prefix} {image.caption.line}", trigger) for image in images)
    if without:
        yield Finding(
            Level.WARNING,
            "no-trigger",
            f"{without} of {len(images)} images in {full[0].folder.name}/ have no {trigger!r} in their captions.",
            f"To have it written into them: kohya-wrap init {typed(project)}",
            str(full[0].folder),
        )
