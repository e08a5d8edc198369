"""Buckets as the engine makes them: every figure here came out of its own code at the pin."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.buckets import BucketRule, Size, candidates, fill, parse_resolution, select

SD15 = BucketRule((512, 512))
SDXL = BucketRule((1024, 1024), maximum=2048)
SDXL_32 = BucketRule((1024, 1024), maximum=2048, steps=32)
WIDE = BucketRule((768, 512))
ROUNDED = BucketRule((500, 700), minimum=300, maximum=1000)  # to 256 and 1024
NO_UPSCALE = BucketRule((512, 512), no_upscale=True)
OFF = BucketRule((512, 512), enabled=False)

RULES = (SD15, SDXL, SDXL_32, WIDE, ROUNDED, NO_UPSCALE, OFF)
# image | its bucket under each of RULES
TABLE = [
    "512x512   | 512x512  1024x1024 1024x1024 576x576  576x576  512x512  512x512",
    "1920x1080 | 640x384  1344x768  1344x768  832x448  768x448  640x384  512x512",
    "1080x1920 | 384x640  768x1344  768x1344  448x832  448x768  384x640  512x512",
    "4000x3000 | 576x448  1152x896  1184x864  704x512  640x512  512x384  512x512",
    "300x400   | 448x576  896x1152  864x1184  512x704  512x640  256x384  512x512",
    "451x300   | 640x384  1216x832  1248x832  768x512  704x448  448x256  512x512",
    "1000x333  | 832x256  1728x576  1728x576  1024x320 960x320  768x256  512x512",
    "256x1024  | 256x1024 512x2048  512x2048  256x1024 256x1024 256x1024 512x512",
    "100x2000  | 256x1024 256x2048  256x2048  256x1024 256x1024 64x1984  512x512",
    "832x1216  | 384x640  832x1216  832x1216  512x768  448x704  384x576  512x512",
    "675x1733  | 320x768  640x1600  640x1632  384x960  384x896  320x768  512x512",
    "48x900    | 256x1024 256x2048  256x2048  256x1024 256x1024 0x896    512x512",
]


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (SD15, 17),
        (BucketRule((768, 768)), 19),
        (BucketRule((1024, 1024)), 25),
        (SDXL, 41),
        (SDXL_32, 81),
        (BucketRule((256, 256)), 1),
    ],
)
def test_as_many_candidates_as_the_engine(rule: BucketRule, count: int) -> None:
    assert len(candidates(rule)) == count


def test_the_candidates_of_sd15() -> None:
    assert candidates(SD15) == [
        (256, 832),
        (256, 896),
        (256, 960),
        (256, 1024),
        (320, 704),
        (320, 768),
        (384, 640),
        (448, 576),
        (512, 512),
        (576, 448),
        (640, 384),
        (704, 320),
        (768, 320),
        (832, 256),
        (896, 256),
        (960, 256),
        (1024, 256),
    ]


def size(text: str) -> Size:
    width, height = text.split("x")
    return int(width), int(height)


@pytest.mark.parametrize("row", TABLE)
def test_the_engine_s_bucket_for_each_size(row: str) -> None:
    image, buckets = row.split("|")
    assert [select(rule, size(image)) for rule in RULES] == [size(bucket) for bucket in buckets.split()]


def test_candidates_given_and_made_choose_alike() -> None:
    images = [size(row.split("|")[0]) for row in TABLE]
    among = candidates(SDXL)
    assert [select(SDXL, image, among) for image in images] == [select(SDXL, image) for image in images]


def test_fill_counts_repeats_per_bucket_and_leaves_out_empty_ones() -> None:
    images = [((1920, 1080), 10), ((512, 512), 3), ((600, 600), 2), ((3840, 2160), 1)]
    assert fill(SD15, images) == {(512, 512): 5, (640, 384): 11}


def test_without_buckets_all_images_share_one() -> None:
    assert fill(OFF, [((1920, 1080), 10), ((30, 40), 1)]) == {(512, 512): 11}


@pytest.mark.parametrize(
    ("text", "sides"), [("512", (512, 512)), ("512,768", (512, 768)), (" 64, 128", (64, 128))]
)
def test_resolution_as_the_engine_reads_it(text: str, sides: Size) -> None:
    assert parse_resolution(text) == sides


@pytest.mark.parametrize("text", ["", "512x512", "512,", "512,512,512", "0", "-1,512", "512.0"])
def test_what_is_no_resolution(text: str) -> None:
    with pytest.raises(ValueError):
        parse_resolution(text)
