"""The stand-ins for VAE and text encoder: fixed random projections of pixels, hashed vectors of words."""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from kohya_wrap.rehearsal.console import error
from kohya_wrap.rehearsal.data import Image, Size

Array = NDArray[np.float32]

LATENT = 4 * 8 * 8
TEXT = 64
_SIDE = 16  # pixels of the thumbnail that is encoded


@cache
def _projection() -> Array:
    pixels = 3 * _SIDE * _SIDE
    projection = np.random.default_rng(0).standard_normal((LATENT, pixels)) * 2 / pixels**0.5
    return np.asarray(projection, np.float32)


@cache
def encode(image: Image, bucket: Size, *, exact: bool) -> Array:
    """An image's latent, shape (LATENT,), about unit variance.

    Args:
        exact: neither cached nor bucketed, so that the engine takes images of the bucket's size only.

    Raises:
        OSError: the file is damaged; its name is logged, as the engine does.
        AssertionError: the size is another one and `exact` asks for it.
    """
    if exact:
        assert image.size[0] <= bucket[0] and image.size[1] <= bucket[1], (
            f"image too large, but cropping and bucketing are disabled: {image.path}"
        )
        assert image.size == bucket, f"image size is small: {image.path}"
    try:
        with Picture.open(image.path) as picture:
            picture.draft("RGB", (4 * _SIDE, 4 * _SIDE))
            share = min(picture.size[0] / bucket[0], picture.size[1] / bucket[1])
            left, top = (picture.size[0] - bucket[0] * share) / 2, (picture.size[1] - bucket[1] * share) / 2
            box = (left, top, left + bucket[0] * share, top + bucket[1] * share)
            thumbnail = picture.convert("RGB").resize((_SIDE, _SIDE), Picture.Resampling.BOX, box=box)
    except OSError:
        error(f"Error loading file: {image.path}")
        raise
    pixels = np.asarray(thumbnail, np.float32).ravel() / 127.5 - 1
    return np.asarray(_projection() @ pixels, np.float32)


def decode(latent: Array, size: Size) -> Picture.Image:
    pixels = np.linalg.pinv(_projection()) @ latent
    thumbnail = np.clip((pixels + 1) * 127.5, 0, 255).astype(np.uint8).reshape(_SIDE, _SIDE, 3)
    return Picture.fromarray(thumbnail).resize(size, Picture.Resampling.BICUBIC)


@cache
def embed(caption: str) -> Array:
    """A caption's embedding, shape (TEXT,): the mean of its words' fixed random vectors."""
    words = caption.replace(",", " ").lower().split() or [""]
    vectors = [np.random.default_rng(zlib.crc32(word.encode())).standard_normal(TEXT) for word in words]
    return np.asarray(np.sum(vectors, axis=0) / len(words) ** 0.5, np.float32)
