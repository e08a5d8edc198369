"""Of which size of an image the engine dies."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.fitting import Unfit, unfit
from kohya_wrap.workflow import bucketing

BARE: dict[str, Any] = {"enable_bucket": False, "cache_latents": False, "cache_latents_to_disk": False}


def of(size: Size, **options: Any) -> Unfit | None:
    config = settle([Layer(Origin.FILE, {"resolution": "256,128", **BARE, **options})])
    return unfit(bucketing.rule(config), size, config)


@pytest.mark.parametrize(
    ("size", "options", "code"),
    [
        ((256, 128), {}, ""),
        ((128, 256), {}, "inexact-size"),
        ((300, 200), {}, "inexact-size"),
        ((257, 128), {}, "inexact-size"),
        ((255, 128), {}, "inexact-size"),
        ((300, 200), {"random_crop": True}, ""),
        ((256, 128), {"random_crop": True}, ""),
        ((300, 128), {"random_crop": True}, ""),
        ((300, 127), {"random_crop": True}, "inexact-size"),
        ((300, 200), {"face_crop_aug_range": "1.0,2.0"}, "inexact-size"),
        ((300, 200), {"cache_latents": True}, ""),
        ((10, 10), {"cache_latents_to_disk": True}, ""),
        ((10, 10), {"enable_bucket": True}, ""),
        ((10, 10), {"enable_bucket": True, "bucket_no_upscale": True}, "no-bucket"),
        ((64, 64), {"enable_bucket": True, "bucket_no_upscale": True}, ""),
    ],
)
def test_a_size_by_the_values(size: Size, options: dict[str, Any], code: str) -> None:
    found = of(size, **options)
    assert (found.code if found else "") == code


def test_what_is_wrong_and_what_helps_is_said() -> None:
    found, cut = of((300, 200)), of((300, 100), random_crop=True)
    assert found and found.said.startswith("is 300x200 and not 256x128, ")
    assert cut and cut.said.startswith("is 300x100 and not 256x128 or larger, ")
    assert found.hint == cut.hint == "Write enable_bucket = true."
