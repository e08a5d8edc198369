"""The engine's aspect buckets: which resolution each image is trained at. Exact arithmetic.

Source: the engine's make_bucket_resolutions and BucketManager.select_bucket (engine contract,
section 1), restated; tests hold it equal to the engine where the engine is reachable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Size = tuple[int, int]  # (width, height) in pixels


@dataclass(frozen=True)
class BucketRule:
    """How the engine was told to bucket.

    Attributes:
        resolution: (width, height); their product is the area each bucket stays within.
        enabled: False puts every image into one bucket of exactly `resolution`.
        no_upscale: True keeps small images at their size; min and max are then ignored.
    """

    resolution: Size
    enabled: bool = True
    minimum: int = 256
    maximum: int = 1024
    steps: int = 64
    no_upscale: bool = False


def parse_resolution(text: str) -> Size:
    """The engine's own form: "512" or "512,768".

    Raises:
        ValueError: anything else.
    """
    parts = [int(part) for part in text.split(",")]
    if len(parts) > 2 or min(parts) < 1:
        raise ValueError(f"{text!r} is not one side or two")
    return parts[0], parts[-1]


def candidates(rule: BucketRule) -> list[Size]:
    """All bucket resolutions, sorted, as the engine lists them.

    The rule has been checked (config/check): `minimum` is at least one step, and the
    resolution lies between the two.
    """
    area = rule.resolution[0] * rule.resolution[1]
    # The engine rounds min down and max up to a multiple of the step.
    low = rule.minimum - rule.minimum % rule.steps
    high = rule.maximum + -rule.maximum % rule.steps
    side = int(math.sqrt(area) // rule.steps) * rule.steps
    found = {(side, side)}
    for width in range(low, high + 1, rule.steps):
        height = min(high, area // width // rule.steps * rule.steps)
        if height >= low:
            found |= {(width, height), (height, width)}
    return sorted(found)


def select(rule: BucketRule, size: Size, among: Sequence[Size] | None = None) -> Size:
    """The bucket of one image of `size`; pass `among=candidates(rule)` when asking for many.

    With `no_upscale` an image with a side shorter than a step gets a side of 0, which the engine either dies
    of or trains on as NaN.
    """
    if not rule.enabled:
        return rule.resolution
    if rule.no_upscale:
        width, height = shrunk(rule, size)
        return width - width % rule.steps, height - height % rule.steps
    resolutions = candidates(rule) if among is None else among
    aspect = size[0] / size[1]
    return min(resolutions, key=lambda r: abs(r[0] / r[1] - aspect))  # the first of equals, as argmin


def shrunk(rule: BucketRule, size: Size) -> Size:
    """What `no_upscale` resizes an image to: its own size, or less where that has more pixels than the resolution.

    (0, 0) where a side shrinks below a step: the engine divides by it.
    """
    area = rule.resolution[0] * rule.resolution[1]
    if size[0] * size[1] <= area:
        return size
    aspect = size[0] / size[1]

    def rounded(x: float) -> int:
        return int(x + 0.5) - int(x + 0.5) % rule.steps

    width = math.sqrt(area * aspect)
    by_width = rounded(width)
    height_of_it = rounded(by_width / aspect)
    by_height = rounded(area / width)
    width_of_it = rounded(by_height * aspect)
    if not height_of_it or not by_height:
        return 0, 0
    if abs(by_width / height_of_it - aspect) < abs(width_of_it / by_height - aspect):
        return by_width, int(by_width / aspect + 0.5)
    return int(by_height * aspect + 0.5), by_height


def fill(rule: BucketRule, images: Iterable[tuple[Size, int]]) -> dict[Size, int]:
    """Bucket -> number of image passes in one epoch, from (size, repeats) of every image."""
    among = candidates(rule) if rule.enabled and not rule.no_upscale else None
    passes: Counter[Size] = Counter()
    for size, repeats in images:
        passes[select(rule, size, among)] += repeats
    return dict(sorted(passes.items()))
