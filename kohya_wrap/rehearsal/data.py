"""Image folders to captioned, bucketed batches, by the engine's rules counted afresh."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from kohya_wrap.rehearsal.console import log, track
from kohya_wrap.rehearsal.options import Options

_EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".PNG", ".JPG", ".JPEG", ".WEBP", ".BMP"}

Size = tuple[int, int]  # width, height in pixels
Image = tuple[Path, str]  # and its caption


@dataclass(frozen=True)
class Subset:
    folder: Path
    repeats: int
    class_tokens: str
    images: list[Image]


@dataclass(frozen=True)
class Dataset:
    """What one epoch holds. `buckets` lists each image as often as it is repeated."""

    subsets: list[Subset]
    buckets: dict[Size, list[Image]]
    aspect_error: float
    batch_size: int

    def __len__(self) -> int:
        return sum(math.ceil(len(bucket) / self.batch_size) for bucket in self.buckets.values())

    def epoch(self, seed: int, number: int) -> list[list[Image]]:
        """The batches of one epoch in their order, which depends on nothing but seed and number.

        The engine hands an epoch's order over one batch late. That is not played: it is why a resumed run of
        the engine is not the uninterrupted one.
        """
        order = np.random.default_rng([seed, number])
        batches = []
        for bucket in self.buckets.values():
            shuffled = [bucket[i] for i in order.permutation(len(bucket))]
            batches += [shuffled[i : i + self.batch_size] for i in range(0, len(shuffled), self.batch_size)]
        return [batches[i] for i in order.permutation(len(batches))]


def read(args: Options) -> Dataset:
    log("Using DreamBooth method.")
    subsets = []
    found = sorted(Path(args.train_data_dir).glob("*")) if args.train_data_dir else []
    for folder in filter(Path.is_dir, found):
        first, _, class_tokens = folder.name.partition("_")
        try:
            repeats = int(first)
        except ValueError:
            log(f"ignore directory without repeats: {folder.name}", "WARNING")
            continue
        images = _images(folder, class_tokens, args.caption_extension) if repeats >= 1 else []
        if images:
            subsets.append(Subset(folder, repeats, class_tokens, images))
    log(f"{sum(s.repeats * len(s.images) for s in subsets)} train images with repeats.")
    log("no regularization images / 正則化画像が見つかりませんでした", "WARNING")
    block = f"[Dataset 0]\n  batch_size: {args.train_batch_size}\n  resolution: {args.resolution}\n"
    block += f"  enable_bucket: {args.enable_bucket}\n"
    for number, subset in enumerate(subsets):
        block += f'\n  [Subset {number} of Dataset 0]\n    image_dir: "{subset.folder}"\n'
        block += f"    image_count: {len(subset.images)}\n    num_repeats: {subset.repeats}\n"
        block += f"    class_tokens: {subset.class_tokens}\n    caption_extension: {args.caption_extension}\n"
    log(block)
    return _bucket(args, subsets)


def _images(folder: Path, class_tokens: str, extension: str) -> list[Image]:
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix in _EXTENSIONS)
    log(f"found directory {folder} contains {len(paths)} image files")
    images, missing = [], 0
    for path in track(paths, "read caption: "):
        caption = path.with_suffix(extension)
        text = caption.read_text(encoding="utf-8") if caption.is_file() else class_tokens
        assert text or not caption.is_file(), f"caption file is empty: {caption}"
        missing += not caption.is_file()
        images.append((path, text.split("\n", 1)[0].strip()))
    if missing:
        log(
            f"No caption file found for {missing} images. Training will continue without captions.", "WARNING"
        )
    return images


def _bucket(args: Options, subsets: list[Subset]) -> Dataset:
    candidates = _candidates(args) if args.enable_bucket else [args.resolution]
    found: dict[Size, list[Image]] = {}
    errors = []
    log("loading image sizes.")
    for image, repeats in track([(image, subset.repeats) for subset in subsets for image in subset.images]):
        size = (0, 0)
        try:
            with Picture.open(image[0]) as picture:
                size = picture.size
        except OSError as failure:
            log(f"failed to get image size: {image[0]}, error: {failure}", "WARNING")
        aspect = size[0] / size[1]  # of an unreadable image: the engine's ZeroDivisionError
        if not (args.enable_bucket or args.cache_latents or size == args.resolution):
            raise AssertionError(f"image size is small or image too large: {image[0]}")
        if args.enable_bucket and args.bucket_no_upscale:
            bucket = _shrunk(size, args.resolution, args.bucket_reso_steps)
        else:
            bucket = min(candidates, key=lambda c: (c != size, abs(c[0] / c[1] - aspect)))
        errors.append(abs(bucket[0] / bucket[1] - aspect))
        found.setdefault(bucket, []).extend([image] * repeats)
    buckets = dict(sorted(found.items()))
    for number, (bucket, images) in enumerate(buckets.items()):
        log(f"bucket {number}: resolution {bucket}, count: {len(images)}")
    mean = float(np.mean(errors or [0.0]))
    log(f"mean ar error (without repeats): {mean}")
    return Dataset(subsets, buckets, mean, args.train_batch_size)


def _candidates(args: Options) -> list[Size]:
    area, step = args.resolution[0] * args.resolution[1], args.bucket_reso_steps
    low, high = args.min_bucket_reso // step * step, -(-args.max_bucket_reso // step) * step
    assert min(args.resolution) >= low, "min_bucket_reso must be equal or less than resolution"
    assert max(args.resolution) <= high, "max_bucket_reso must be equal or greater than resolution"
    side = int(math.sqrt(area) // step) * step
    found = {(side, side)}
    for width in range(low, high + 1, step):
        height = min(high, area // width // step * step)
        if height >= low:
            found |= {(width, height), (height, width)}
    return sorted(found)


def _shrunk(size: Size, resolution: Size, step: int) -> Size:
    """The bucket under bucket_no_upscale: the image's size, within the area, cut to the grid."""
    area, aspect = resolution[0] * resolution[1], size[0] / size[1]
    if size[0] * size[1] <= area:
        return size[0] // step * step, size[1] // step * step
    exact = math.sqrt(area * aspect)
    width, height = int(exact + 0.5) // step * step, int(area / exact + 0.5) // step * step
    by_height = (int(height * aspect + 0.5) // step * step, height)
    by_width = (width, int(width / aspect + 0.5) // step * step)
    return min(by_height, by_width, key=lambda c: abs(c[0] / c[1] - aspect))
