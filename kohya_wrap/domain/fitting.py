"""Of which size of an image the engine dies, with the values that it is trained with.

Source: __getitem__ and select_bucket of the engine's train_util.py at the pin. In the view no picture has the name by
which face_crop_aug_range would cut it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kohya_wrap.domain.buckets import BucketRule, Size, select
from kohya_wrap.domain.config import TrainingConfig


@dataclass(frozen=True)
class Unfit:
    """Attributes:
    said: what is so of the image, after its name.
    many: of several, after "5 of 40 images".
    """

    code: str
    said: str
    many: str
    hint: str


def unfit(rule: BucketRule, size: Size, config: TrainingConfig) -> Unfit | None:
    """Why it cannot be trained on; None where it can.

    Args:
        rule: of the buckets, as `config` says.
    """
    if rule.enabled:
        return _without_bucket(size) if rule.no_upscale and 0 in select(rule, size) else None
    if config.get("cache_latents") or config.get("cache_latents_to_disk"):  # it resizes what it encodes
        return None
    cut = config.get("random_crop", False)
    large_enough = all(side >= needed for side, needed in zip(size, rule.resolution, strict=True))
    return None if size == rule.resolution or (cut and large_enough) else _not_exact(rule, size, cut=cut)


def _without_bucket(size: Size) -> Unfit:
    many = "have a side shorter than a bucket's step, of which the engine dies"
    said = f"is {_shown(size)}: a side is shorter than a bucket's step, of which the engine dies"
    hint = "Remove them, take larger ones, or write bucket_no_upscale = false."
    return Unfit("no-bucket", said, many, hint)


def _not_exact(rule: BucketRule, size: Size, *, cut: bool) -> Unfit:
    wanted = f"{_shown(rule.resolution)}{' or larger' if cut else ''}"
    why = "and without buckets and cached latents the engine dies of any other size"
    many, said = f"are not {wanted}, {why}", f"is {_shown(size)} and not {wanted}, {why}"
    return Unfit("inexact-size", said, many, "Write enable_bucket = true.")


def _shown(size: Size) -> str:
    return "x".join(map(str, size))
