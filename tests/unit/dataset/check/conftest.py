"""Datasets checked in memory: images that were measured without a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import check
from kohya_wrap.dataset.check.look import Look
from kohya_wrap.dataset.check.result import Checked
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.dataset import CaptionFacts, ImageFacts, Inventory, Subset, TrainingImage
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.likeness import Print
from kohya_wrap.workflow import bucketing

FOLDER = Path("data") / "10_thing"


def look(number: int = 0, **values: Any) -> Look:
    """A sharp picture in colour, unlike those of other numbers."""
    usual = {"mean": 0.3 + number % 5 / 10, "darkest": 0.1, "lightest": 0.9, "entropy": 8.0, "sharpness": 0.6}
    spread = number * 0x9E3779B97F4A7C15 % 2**64
    prints = {
        "likeness": Print(spread, bytes(192)),
        "mirrored": Print(spread ^ 0xFFFF0000FFFF0000, bytes(192)),
    }
    return Look(**(usual | {"grey": False, "hidden": None} | prints | values))


def image(
    name: str,
    caption: str | None = "",
    size: tuple[int, int] = (1024, 1024),
    folder: Path = FOLDER,
    **facts: Any,
) -> TrainingImage:
    """`caption` None: there is no file, and the class tokens are trained."""
    path = folder / name
    usual = {"format": "PNG", "misread": frozenset(), "digest": str(path)}
    text = CaptionFacts(None, "thing") if caption is None else CaptionFacts(path.with_suffix(".txt"), caption)
    return TrainingImage(path, ImageFacts(size, **(usual | facts)), text)


def settings(
    options: Mapping[str, Any] | None = None, *, family: FamilyName = FamilyName.SD15, **values: Any
) -> Settings:
    usual = {"resolution": "512,512", "enable_bucket": True, "train_batch_size": 2, "max_train_epochs": 10}
    config = settle([Layer(Origin.FILE, usual | dict(options or {}))])
    given = {"subject": "", "trigger": "", "target_steps": 1500, "config_ready": True, "tokenizer": None}
    return Settings(config=config, family=FAMILIES[family], rule=bucketing.rule(config), **(given | values))


def checked(
    images: list[TrainingImage],
    given: Settings | None = None,
    looks: Mapping[str, Look] | None = None,
    regular: Inventory | None = None,
) -> Checked:
    """Check images of one or more folders, each repeated ten times; `looks` by file name."""
    folders = dict.fromkeys(one.path.parent for one in images)
    subsets = tuple(
        Subset(folder, 10, "thing", tuple(one for one in images if one.path.parent == folder))
        for folder in folders
    )
    seen = {one.path: (looks or {}).get(one.path.name, look(number)) for number, one in enumerate(images, 1)}
    return check.check(Inventory(subsets, ".txt", ()), seen, given or settings(), regular)


def codes(found: Checked) -> set[str]:
    return {finding.code for finding in found.findings}


def message(found: Checked, code: str) -> str:
    (finding,) = [finding for finding in found.findings if finding.code == code]
    return finding.message
