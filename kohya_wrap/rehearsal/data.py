"""Image folders to captioned, bucketed batches, by the engine's rules counted afresh."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kohya_wrap.rehearsal.console import error, info, track, warning

_EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".PNG", ".JPG", ".JPEG", ".WEBP", ".BMP"}
# Dataset options whose type the engine checks.
_CHECKED = {"train_batch_size": int, "keep_tokens": int, "enable_bucket": bool, "flip_aug": bool}

Size = tuple[int, int]  # width, height in pixels


class MultipleInvalid(Exception):
    __module__ = "voluptuous.error"  # what the engine checks with


@dataclass(eq=False)
class Image:
    path: Path
    caption: str
    repeats: int
    is_reg: bool
    size: Size = (0, 0)


Buckets = dict[Size, list[Image]]


@dataclass
class Subset:
    folder: Path
    repeats: int
    class_tokens: str
    is_reg: bool
    images: list[Image] = field(default_factory=list)


@dataclass
class Dataset:
    """What one epoch holds. `buckets` lists each image as often as it is repeated."""

    subsets: list[Subset]
    train_images: int  # with repeats
    reg_images: int
    buckets: Buckets
    bucket_info: dict[str, Any] | None
    batch_size: int
    tag_frequency: dict[str, dict[str, int]]

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


def read(args: argparse.Namespace) -> Dataset:
    info("Using DreamBooth method.")
    subsets = _folders(args.train_data_dir, is_reg=False) + _folders(args.reg_data_dir, is_reg=True)
    for option, kind in _CHECKED.items():
        if not isinstance(getattr(args, option), kind):
            raise MultipleInvalid(
                f"expected {kind.__name__} for object value @ data['{option.removeprefix('train_')}']"
            )
    assert args.resolution is not None, "resolution is required"
    if args.enable_bucket:
        _adjust_bucket_limits(args)
    frequency: dict[str, dict[str, int]] = {}
    info("prepare images.")
    for subset in subsets:
        _load(subset, args.caption_extension, frequency)
        if not subset.images:
            warning(f"ignore subset with image_dir='{subset.folder}': no images found")
    subsets = [subset for subset in subsets if subset.images]
    train, images = _count(subsets)
    _describe(args, subsets)
    info("[Prepare dataset 0]")
    buckets, bucket_info = _bucket(args, images)
    reg = sum(s.repeats * len(s.images) for s in subsets if s.is_reg)
    return Dataset(subsets, train, reg, buckets, bucket_info, args.train_batch_size, frequency)


def _folders(parent: str | None, *, is_reg: bool) -> list[Subset]:
    if parent is None or not Path(parent).is_dir():
        return []
    found = []
    for folder in sorted(Path(parent).iterdir()):
        first, _, rest = folder.name.partition("_")
        if not folder.is_dir():
            continue
        try:
            repeats = int(first)
        except ValueError:
            warning(f"ignore directory without repeats: {folder.name}")
            continue
        if repeats >= 1:
            found.append(Subset(folder, repeats, rest, is_reg))
    return found


def _load(subset: Subset, extension: str, frequency: dict[str, dict[str, int]]) -> None:
    paths = sorted(path for path in subset.folder.glob("[!.]*") if path.suffix in _EXTENSIONS)
    info(f"found directory {subset.folder} contains {len(paths)} image files")
    missing = []
    tags = frequency.setdefault(subset.folder.name, {})
    for path in track(paths, "read caption"):
        caption = _caption(path, extension)
        if caption is None:
            missing.append(path)
            caption = subset.class_tokens
        subset.images.append(Image(path, caption, subset.repeats, subset.is_reg))
        for tag in filter(None, (part.strip().lower() for part in caption.split(","))):
            tags[tag] = tags.get(tag, 0) + 1
    if missing:
        warning(
            f"No caption file found for {len(missing)} images. Training will continue without captions for "
            "these images. If class token exists, it will be used."
        )
        for path in missing[:5]:
            warning(str(path))
        if len(missing) > 5:
            warning(f"{missing[5]}... and {len(missing) - 5} more")


def _caption(image: Path, extension: str) -> str | None:
    stem = str(image.with_suffix(""))
    parts = stem.split("_")
    face = "_".join(parts[:-4]) if len(parts) >= 5 else stem  # the engine's names with a face's position
    for path in (Path(stem + extension), Path(face + extension)):
        if path.is_file():
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                error(f"illegal char in file (not UTF-8): {path}")
                raise
            assert text, f"caption file is empty: {path}"
            return text.split("\n", 1)[0].strip()
    return None


def _count(subsets: list[Subset]) -> tuple[int, list[Image]]:
    """Training passes, and the images; regularisation is repeated until it makes up as many passes."""
    images = [image for subset in subsets if not subset.is_reg for image in subset.images]
    reg = [image for subset in subsets if subset.is_reg for image in subset.images]
    train = sum(image.repeats for image in images)
    listed = sum(image.repeats for image in reg)
    info(f"{train} train images with repeats.")
    info(f"{listed} reg images with repeats.")
    if train < listed:
        warning("some of reg images are not used")
    if not reg:
        warning("no regularization images / 正則化画像が見つかりませんでした")
    passes = 0
    for image in reg:
        if passes < train:
            images.append(image)
            passes += image.repeats
    while reg and passes < train:
        for image in reg[: train - passes]:
            image.repeats += 1
            passes += 1
    return train, images


def _adjust_bucket_limits(args: argparse.Namespace) -> None:
    step = args.bucket_reso_steps
    for name, limit in (
        ("min_bucket_reso", args.min_bucket_reso // step * step),
        ("max_bucket_reso", -(-args.max_bucket_reso // step) * step),
    ):
        if limit != getattr(args, name):
            warning(
                f"{name} is adjusted to be multiple of bucket_reso_steps: {getattr(args, name)} -> {limit}"
            )
            setattr(args, name, limit)
    low, high = min(args.resolution), max(args.resolution)
    assert low >= args.min_bucket_reso, "min_bucket_reso must be equal or less than resolution"
    assert high <= args.max_bucket_reso, "max_bucket_reso must be equal or greater than resolution"


def _bucket(args: argparse.Namespace, images: list[Image]) -> tuple[Buckets, dict[str, Any] | None]:
    from PIL import Image as Picture

    info("loading image sizes.")
    for image in track(images):
        try:
            with Picture.open(image.path) as picture:
                image.size = picture.size
        except OSError as failure:
            warning(f"failed to get image size: {image.path}, error: {failure}")
    info("make buckets" if args.enable_bucket else "prepare dataset")
    candidates = _candidates(args) if args.enable_bucket else [args.resolution]
    buckets: Buckets = {}
    errors = []
    for image in images:
        aspect = image.size[0] / image.size[1]  # of an unreadable image: the engine's ZeroDivisionError
        if args.enable_bucket and args.bucket_no_upscale:
            size = _shrunk(image.size, args.resolution, args.bucket_reso_steps)
        elif image.size in candidates:
            size = image.size
        else:
            size = min(candidates, key=lambda c: abs(c[0] / c[1] - aspect))
        errors.append(abs(size[0] / size[1] - aspect) if args.enable_bucket else 0.0)
        buckets.setdefault(size, []).extend([image] * image.repeats)
    buckets = dict(sorted(buckets.items()))
    if not args.enable_bucket:
        return buckets, None
    table = {}
    info("number of images (including repeats) / 各bucketの画像枚数（繰り返し回数を含む）")
    for number, (size, bucket) in enumerate(buckets.items()):
        info(f"bucket {number}: resolution {size}, count: {len(bucket)}")
        table[number] = {"resolution": size, "count": len(bucket)}
    mean = float(np.mean(errors)) if errors else 0
    info(f"mean ar error (without repeats): {mean}")
    return buckets, {"buckets": table, "mean_img_ar_error": mean}


def _candidates(args: argparse.Namespace) -> list[Size]:
    area, step = args.resolution[0] * args.resolution[1], args.bucket_reso_steps
    side = int(math.sqrt(area) // step) * step
    found = {(side, side)}
    for width in range(args.min_bucket_reso, args.max_bucket_reso + 1, step):
        height = min(args.max_bucket_reso, area // width // step * step)
        if height >= args.min_bucket_reso:
            found |= {(width, height), (height, width)}
    return sorted(found)


def _shrunk(size: Size, resolution: Size, step: int) -> Size:
    """The bucket under bucket_no_upscale: the image's size, within the area, cut to the grid."""
    width, height = size
    area, aspect = resolution[0] * resolution[1], width / height
    if width * height > area:
        exact_width = math.sqrt(area * aspect)
        by_width = int(exact_width + 0.5) // step * step
        by_height = int(area / exact_width + 0.5) // step * step
        height_for_width = int(by_width / aspect + 0.5) // step * step
        width_for_height = int(by_height * aspect + 0.5) // step * step
        if abs(by_width / height_for_width - aspect) < abs(width_for_height / by_height - aspect):
            width, height = by_width, int(by_width / aspect + 0.5)
        else:
            width, height = int(by_height * aspect + 0.5), by_height
    return width // step * step, height // step * step


def _describe(args: argparse.Namespace, subsets: list[Subset]) -> None:
    names = (
        "resolution",
        "enable_bucket",
        "min_bucket_reso",
        "max_bucket_reso",
        "bucket_reso_steps",
        "bucket_no_upscale",
    )
    lines = ["[Dataset 0]", f"  batch_size: {args.train_batch_size}"]
    lines += [f"  {name}: {getattr(args, name)}" for name in (names if args.enable_bucket else names[:2])]
    for number, subset in enumerate(subsets):
        lines += [
            "", f"  [Subset {number} of Dataset 0]", f'    image_dir: "{subset.folder}"',
            f"    image_count: {len(subset.images)}", f"    num_repeats: {subset.repeats}",
            f"    is_reg: {subset.is_reg}", f"    class_tokens: {subset.class_tokens}",
            f"    caption_extension: {args.caption_extension}",
        ]  # fmt: skip
    info("\n".join([*lines, ""]))
