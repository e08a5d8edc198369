"""How small a picture may be made before the engine would have to enlarge it again."""

from __future__ import annotations

from kohya_wrap.domain.buckets import BucketRule, Size, select

SMALLEST = 64  # the engine's step between buckets


def shrunk(size: Size, side: int) -> Size:
    """The size at which the picture just covers its bucket at `side` x `side`, so that the engine only crops it.

    The bucket is that of the engine's defaults, but for the longest side: twice the resolution, as for SDXL. A
    picture that is no larger stays as it is.
    """
    rule = BucketRule((side, side), minimum=min(256, side - side % SMALLEST), maximum=2 * side)
    bucket = select(rule, size)
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    if scale >= 1:
        return size
    return max(bucket[0], round(size[0] * scale)), max(bucket[1], round(size[1] * scale))
