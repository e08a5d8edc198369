"""How small a picture may be made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kohya_wrap.domain.buckets import BucketRule, select
from kohya_wrap.domain.shrink import shrunk


@pytest.mark.parametrize(
    ("size", "side", "smaller"),
    [
        ((3000, 2000), 512, (640, 427)),  # its bucket is 640 x 384
        ((2000, 3000), 512, (427, 640)),
        ((1024, 1024), 512, (512, 512)),
        ((4000, 1000), 1024, (2048, 512)),
        ((512, 512), 512, (512, 512)),
        ((300, 200), 512, (300, 200)),
    ],
)
def test_it_just_covers_its_bucket(size: tuple[int, int], side: int, smaller: tuple[int, int]) -> None:
    assert shrunk(size, side) == smaller


sides = st.integers(64, 5000)


@given(st.tuples(sides, sides), st.sampled_from([64, 100, 256, 512, 768, 1024]))
def test_never_larger_and_never_to_be_enlarged(size: tuple[int, int], side: int) -> None:
    smaller = shrunk(size, side)
    assert smaller[0] <= size[0] and smaller[1] <= size[1]
    if smaller != size:
        rule = BucketRule((side, side), minimum=min(256, side - side % 64), maximum=2 * side)
        bucket = select(rule, size)
        assert smaller[0] >= bucket[0] and smaller[1] >= bucket[1]
        assert smaller[0] == bucket[0] or smaller[1] == bucket[1]
