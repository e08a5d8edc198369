"""What of an image the engine trains on: resized until it covers its bucket, then cut to it at the centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kohya_wrap.domain.buckets import BucketRule, Size, select, shrunk

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclass(frozen=True, slots=True)
class Framing:
    """One image in its bucket.

    Attributes:
        resized: (width, height) before the cut.
        scale: resized by original; above 1 the image is enlarged, and what it shows is blurred.
        crop: what is kept, in pixels of the original.
        lost: share of the image's area that is cut away, 0 to 1.
    """

    bucket: Size
    resized: Size
    scale: float
    crop: Box
    lost: float


def frame(rule: BucketRule, size: Size, among: Sequence[Size] | None = None) -> Framing | None:
    """As the engine's select_bucket and trim_and_resize_if_required do (no random_crop).

    Args:
        among: `buckets.candidates(rule)`, when asking for many.

    Returns:
        None where a side of the bucket would be 0 (`no_upscale` and a side shorter than a step).
    """
    bucket = select(rule, size, among)
    if 0 in bucket:
        return None
    resized = shrunk(rule, size) if rule.enabled and rule.no_upscale else _covering(size, bucket)
    left, top = ((whole - kept) // 2 for whole, kept in zip(resized, bucket, strict=True))
    across, down = size[0] / resized[0], size[1] / resized[1]
    crop = (
        round(left * across),
        round(top * down),
        round((left + bucket[0]) * across),
        round((top + bucket[1]) * down),
    )
    lost = 1 - bucket[0] * bucket[1] / (resized[0] * resized[1])
    return Framing(bucket, resized, max(1 / across, 1 / down), crop, lost)


def _covering(size: Size, bucket: Size) -> Size:
    width, height = size
    scale = bucket[1] / height if width / height > bucket[0] / bucket[1] else bucket[0] / width
    return int(width * scale + 0.5), int(height * scale + 0.5)
