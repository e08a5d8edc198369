"""What of an image is trained on."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.buckets import BucketRule, Size
from kohya_wrap.domain.framing import Box, frame

SQUARE = BucketRule((512, 512))


@pytest.mark.parametrize(
    ("size", "bucket", "resized", "crop"),
    [
        ((512, 512), (512, 512), (512, 512), (0, 0, 512, 512)),
        ((1024, 1024), (512, 512), (512, 512), (0, 0, 1024, 1024)),
        (
            (1100, 1000),
            (512, 512),
            (563, 512),
            (49, 0, 1049, 1000),
        ),  # the sides are cut, as much left as right
        ((1000, 1100), (512, 512), (512, 563), (0, 49, 1000, 1049)),
        ((3000, 300), (1024, 256), (2560, 256), (900, 0, 2100, 300)),
    ],
)
def test_an_image_covers_its_bucket_and_is_cut_at_the_centre(
    size: Size, bucket: Size, resized: Size, crop: Box
) -> None:
    framed = frame(SQUARE, size)
    assert framed is not None
    assert (framed.bucket, framed.resized, framed.crop) == (bucket, resized, crop)


@pytest.mark.parametrize(("size", "scale"), [((256, 256), 2.0), ((1024, 1024), 0.5), ((512, 512), 1.0)])
def test_the_scale_says_how_much_it_is_enlarged(size: Size, scale: float) -> None:
    framed = frame(SQUARE, size)
    assert framed is not None and framed.scale == scale


def test_what_is_lost_is_a_share_of_the_area() -> None:
    framed = frame(BucketRule((512, 512), enabled=False), (1024, 512))
    assert framed is not None and framed.lost == 0.5


def test_without_upscaling_a_small_image_keeps_its_size_and_loses_what_is_over_a_step() -> None:
    framed = frame(BucketRule((512, 512), no_upscale=True), (200, 130))
    assert framed is not None
    assert (framed.bucket, framed.scale, framed.crop) == ((192, 128), 1.0, (4, 1, 196, 129))


@pytest.mark.parametrize("size", [(40, 100), (100, 40), (3000, 20)])
def test_a_side_below_a_step_has_no_bucket(size: Size) -> None:
    assert frame(BucketRule((512, 512), no_upscale=True), size) is None
