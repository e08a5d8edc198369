"""What is said of one image, and of many."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.dataset import Misread
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Level
from tests.unit.dataset.check.conftest import checked, codes, image, look, message, settings

WITHOUT_BUCKETS = {"enable_bucket": False, "cache_latents": True}


@pytest.mark.parametrize(
    ("size", "options", "said"),
    [
        ((512, 512), {}, set()),
        ((511, 512), {}, {"enlarged"}),
        ((400, 1200), {}, {"odd-shape"}),
        ((576, 494), {}, set()),  # as `build --resize 512` makes it of 700x600
        ((300, 300), {"resolution": "256,256"}, {"small"}),
        ((600, 500), {"resolution": "256,256"}, set()),
        ((300, 300), {"resolution": "256,256", **WITHOUT_BUCKETS}, {"small"}),
        ((300, 300), {"resolution": "256,256", **WITHOUT_BUCKETS, "min_bucket_reso": 0}, {"small"}),
        ((360, 300), {"bucket_no_upscale": True}, {"small", "cropped"}),
        ((1024, 512), WITHOUT_BUCKETS, {"cropped"}),
        ((1024, 512), {"enable_bucket": False}, {"inexact-size"}),
        ((512, 512), {"enable_bucket": False}, set()),
        ((1024, 512), {}, set()),
        ((40, 600), {"bucket_no_upscale": True}, {"no-bucket"}),
        ((1500, 500), {}, {"odd-shape"}),
    ],
)
def test_size_shape_and_crop(size: tuple[int, int], options: dict[str, Any], said: set[str]) -> None:
    found = checked([image("a.png", "x", size)], settings(options))
    assert codes(found) & {"enlarged", "small", "cropped", "odd-shape", "no-bucket", "inexact-size"} == said


@pytest.mark.parametrize(
    ("options", "hint"), [({}, "Crop them yourself"), (WITHOUT_BUCKETS, "Write enable_bucket = true.")]
)
def test_what_helps_against_a_large_crop(options: dict[str, Any], hint: str) -> None:
    found = checked([image("a.png", "x", (3000, 300))], settings(options))
    (cropped,) = [finding for finding in found.findings if finding.code == "cropped"]
    assert cropped.hint.startswith(hint)


@pytest.mark.parametrize(("family", "said"), [(FamilyName.SD15, False), (FamilyName.SDXL, True)])
def test_the_guide_asks_sdxl_for_more_pixels(family: FamilyName, said: bool) -> None:
    resolution = {"resolution": "1024,1024" if family is FamilyName.SDXL else "512,512"}
    found = checked([image("a.png", "x", (800, 800))], settings(resolution, family=family))
    assert ("enlarged" in codes(found)) is said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, set()),
        ({"lightest": 0.3}, {"dark"}),
        ({"darkest": 0.96}, {"light"}),
        ({"entropy": 2.9, "sharpness": 0.0}, {"flat"}),
        ({"sharpness": 0.12}, {"blurred"}),
    ],
)
def test_looks_are_hints(values: dict[str, Any], said: set[str]) -> None:
    found = checked([image("a.png", "x")], looks={"a.png": look(1, **values)})
    hints = [finding for finding in found.findings if finding.code in {"dark", "light", "flat", "blurred"}]
    assert {hint.code for hint in hints} == said
    assert all(hint.level is Level.NOTE for hint in hints)


@pytest.mark.parametrize(
    ("misread", "options", "code", "words"),
    [
        (Misread.ROTATED, {}, "rotated", "upright copy"),
        (Misread.ALPHA, {}, "transparent", "rgb(10, 200, 30) in the mean; `run` lays it on white"),
        (Misread.ALPHA, {"alpha_mask": True}, "transparent", "alpha_mask leaves out"),
        (Misread.DEPTH, {}, "deep", "copy of 8"),
        (Misread.COLOURS, {}, "colours", "copy in sRGB"),
    ],
)
def test_what_the_engine_would_misread_is_told(
    misread: Misread, options: dict[str, Any], code: str, words: str
) -> None:
    turned = image("a.png", "x", misread=frozenset({misread}))
    found = checked([turned], settings(options), {"a.png": look(1, hidden=(10, 200, 30))})
    assert words in message(found, code)


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [("a.jpg", "PNG", True), ("a.PNG", "PNG", False), ("a.jpg", "MPO", False), ("a.webp", "GIF", True)],
)
def test_another_format_than_the_name_says(name: str, kind: str, said: bool) -> None:
    assert ("true-format" in codes(checked([image(name, "x", format=kind)]))) is said


def test_one_image_has_its_own_words_and_its_path() -> None:
    found = checked([image("a.png", "x", (256, 256)), image("b.png", "y")])
    (finding,) = [finding for finding in found.findings if finding.code == "enlarged"]
    assert finding.message == "is 256x256, enlarged 2.00 times to fill its bucket 512x512, which blurs it."
    assert finding.where.endswith("10_thing/a.png")
    assert found.images[0].findings == (finding,) and found.images[1].findings == ()


def test_many_images_are_gathered_into_one_finding_the_worst_first() -> None:
    small = [image(f"{side}.png", f"{side}", (side, side)) for side in (500, 400, 300, 200, 100, 450)]
    found = checked([*small, image("fine.png", "x")])
    names = ("100.png", "200.png", "300.png", "400.png")
    said = ", ".join(f"10_thing/{name}" for name in names)
    assert message(found, "enlarged") == (
        f"6 of 7 images are enlarged to fill their buckets, which blurs them: {said} and 2 more."
    )
    assert sum(bool(one.findings) for one in found.images) == 6
