"""What is to be said of one image: how it is cut and scaled, how it looks, what the engine would misread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from kohya_wrap.dataset.check.look import Look
from kohya_wrap.dataset.check.remarks import Kind, Remark
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain import fitting
from kohya_wrap.domain.buckets import BucketRule, Size, candidates
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.dataset import ImageFacts, Misread
from kohya_wrap.domain.finding import Level
from kohya_wrap.domain.framing import Framing, frame

# CleanVision 0.3.7's thresholds (its ImagePropertyIssueManager); its own measure of blur, made on 64 pixels, calls drawings
# blurred.
_DARK = 0.32  # the lightest hundredth is darker
_LIGHT = 0.95  # all but the darkest twentieth is lighter
_FLAT = 3.0  # bits of entropy
_ODD_SHAPE = 0.35  # short side over long
# Measured on the tests' photographs: one blurred by motion has 0.12, the other fifteen 0.33 or more; blurred by a
# Gaussian of 2 pixels they have 0.04 to 0.12.
_BLURRED = 0.13
_MUCH_LOST = 0.20  # of the area: a fifth

_ENDINGS = {
    ".png": {"PNG"}, ".jpg": {"JPEG", "MPO"}, ".jpeg": {"JPEG", "MPO"}, ".webp": {"WEBP"}, ".bmp": {"BMP", "DIB"},
}  # fmt: skip

_ENLARGED = Kind(
    Level.WARNING, "enlarged", "are enlarged to fill their buckets, which blurs them",
    "Take larger originals where there are some.",
)  # fmt: skip
_SMALL = Kind(Level.NOTE, "small", "are smaller than the guide asks for")
_CROPPED = Kind(
    Level.WARNING, "cropped", "lose more than a fifth of what they show",
    "Crop them yourself, so that what matters stays.",
)  # fmt: skip
_CROPPED_WITHOUT_BUCKETS = Kind(
    Level.WARNING, "cropped", "lose more than a fifth of what they show", "Write enable_bucket = true."
)
_ODD = Kind(Level.NOTE, "odd-shape", "are about three times as long as they are wide, or more")
_ROTATED = Kind(
    Level.NOTE, "rotated", "are turned by their EXIF data: `run` gives the engine upright copies, since it ignores that"
)  # fmt: skip
_TRANSPARENT = Kind(
    Level.NOTE, "transparent", "are transparent in places: `run` lays them on white",
    "On another colour: kohya-wrap dataset build ... --background COLOUR",
)  # fmt: skip
_MASKED = Kind(
    Level.NOTE, "transparent", "are transparent in places, which alpha_mask leaves out of the training"
)
_DEEP = Kind(Level.NOTE, "deep", "have more than 8 bits a channel: `run` gives the engine copies of 8")
_COLOURS = Kind(Level.NOTE, "colours", "have other colours than sRGB: `run` gives the engine copies in sRGB")
_FORMAT = Kind(Level.NOTE, "true-format", "are in another format than their names say, which does no harm")
_DARK_ONE = Kind(Level.NOTE, "dark", "are very dark")
_LIGHT_ONE = Kind(Level.NOTE, "light", "are nearly white all over")
_FLAT_ONE = Kind(Level.NOTE, "flat", "hold little to learn from")
_BLURRED_ONE = Kind(Level.NOTE, "blurred", "look blurred, which is learned too")


def remarks(
    path: Path, facts: ImageFacts, look: Look, framing: Framing | None, settings: Settings
) -> Iterator[Remark]:
    yield from _size(facts, framing, settings)
    yield from _misread(path, facts, look, settings)
    yield from _appearance(look)


def size_remarks(facts: ImageFacts, rule: BucketRule, config: TrainingConfig) -> Iterator[Remark]:
    """That it cannot be trained on."""
    if wrong := fitting.unfit(rule, facts.size, config):
        yield Remark(Kind(Level.ERROR, wrong.code, wrong.many, wrong.hint), wrong.said)


def _size(facts: ImageFacts, framing: Framing | None, settings: Settings) -> Iterator[Remark]:
    width, height = facts.size
    shown = f"{width}x{height}"
    unfit = list(size_remarks(facts, settings.rule, settings.config))
    yield from unfit
    if unfit or framing is None:
        return
    bucket, wanted = "x".join(map(str, framing.bucket)), settings.family.resolution
    if framing.scale > 1:
        said = f"is {shown}, enlarged {framing.scale:.2f} times to fill its bucket {bucket}, which blurs it"
        yield Remark(_ENLARGED, said, framing.scale)
    elif min(width, height) < wanted and (scale := _scale_at(wanted, settings.rule, facts.size)) > 1:
        said = f"is {shown}; the guide asks for {wanted}x{wanted} or as many pixels in its shape"
        yield Remark(_SMALL, said, scale)
    if framing.lost > _MUCH_LOST:
        kind = _CROPPED if settings.rule.enabled else _CROPPED_WITHOUT_BUCKETS
        yield Remark(kind, f"is {shown} and loses {framing.lost:.0%} in its bucket {bucket}", framing.lost)
    shape = min(width, height) / max(width, height)
    if shape < _ODD_SHAPE:
        yield Remark(_ODD, f"is {shown}, {1 / shape:.1f} times as long as it is wide", 1 / shape)


def _scale_at(side: int, rule: BucketRule, size: Size) -> float:
    """What it would be enlarged by at the guide's resolution: what has enough pixels for its own bucket is large enough."""
    guides = _of_side(side, rule)
    framed = frame(guides[0], size, guides[1])
    return framed.scale if framed else 0.0


@cache
def _of_side(side: int, rule: BucketRule) -> tuple[BucketRule, list[Size]]:
    rule = replace(
        rule,
        resolution=(side, side),
        no_upscale=False,
        minimum=max(rule.steps, min(rule.minimum, side)),
        maximum=max(rule.maximum, side),
    )
    return rule, candidates(rule)


def _misread(path: Path, facts: ImageFacts, look: Look, settings: Settings) -> Iterator[Remark]:
    if Misread.ROTATED in facts.misread:
        yield Remark(_ROTATED, f"is {Misread.ROTATED.value}; `run` gives it an upright copy")
    if Misread.ALPHA in facts.misread:
        hidden = ", rgb({}, {}, {}) in the mean".format(*look.hidden) if look.hidden else ""
        if settings.config.get("alpha_mask"):
            yield Remark(_MASKED, "is transparent in places, which alpha_mask leaves out of the training")
        else:
            said = f"is {Misread.ALPHA.value}{hidden}; `run` lays it on white"
            yield Remark(_TRANSPARENT, said)
    if Misread.DEPTH in facts.misread:
        yield Remark(_DEEP, f"is {Misread.DEPTH.value}; `run` gives it a copy of 8")
    if Misread.COLOURS in facts.misread:
        yield Remark(_COLOURS, f"is {Misread.COLOURS.value}; `run` gives it a copy in sRGB")
    if facts.format not in _ENDINGS.get(path.suffix.lower(), {facts.format}):
        yield Remark(_FORMAT, f"is a {facts.format}, which does no harm")


def _appearance(look: Look) -> Iterator[Remark]:
    if look.entropy < _FLAT:
        yield Remark(
            _FLAT_ONE, f"holds little to learn from ({look.entropy:.1f} bits of entropy)", -look.entropy
        )
    elif look.sharpness < _BLURRED:
        yield Remark(_BLURRED_ONE, "looks blurred, which is learned too", -look.sharpness)
    if look.lightest < _DARK:
        yield Remark(_DARK_ONE, "is very dark", -look.lightest)
    if look.darkest > _LIGHT:
        yield Remark(_LIGHT_ONE, "is nearly white all over", look.darkest)
