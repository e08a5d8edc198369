"""Images, their sizes and their buckets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.buckets import parse_resolution
from kohya_wrap.domain.finding import Finding

_SMALL_FOR_SDXL = 768  # pixels; it was trained at 1024 and falls apart well below

_LARGE_FOR_SD15 = 896  # well above the 768 that fine-tunes of it are trained at


def other_sources(seen: Seen) -> Iterator[Finding]:
    """Images that are named in another way than by numbered folders."""
    if seen.get("in_json"):
        yield seen.error(
            "in-json", "in_json",
            "`in_json` is not understood by kohya-wrap: the captions and sizes in that file would be trained on uncounted "
            "and unchecked.",
            "Put the images and a caption file for each into training_data/N_concept folders and remove the line.",
        )  # fmt: skip
    if seen.get("dataset_config"):
        for name in ("train_data_dir", "reg_data_dir"):
            if seen.given(name):
                yield seen.warning(
                    "dataset-config-wins", name, f"`{name}` is not read beside `dataset_config`.",
                    "Remove one of the two lines.",
                )  # fmt: skip


def only_shown(seen: Seen) -> Iterator[Finding]:
    if seen.get("debug_dataset"):
        yield seen.error(
            "debug-dataset", "debug_dataset",
            "`debug_dataset` shows the images one by one and trains nothing.", "Remove the line.",
        )  # fmt: skip


def resolution(seen: Seen) -> Iterator[Finding]:
    """The resolution, and the bucket sides and steps that the engine accepts for it."""
    written = seen.get("resolution")
    if written is None:
        return
    try:
        sides = parse_resolution(written)
    except ValueError:
        yield seen.error(
            "resolution", "resolution", f'`resolution = {written!r}` is not "512" or "512,768".',
            f'Write resolution = "{_sides(written, seen)}".',
        )  # fmt: skip
        return
    if seen.sdxl and max(sides) < _SMALL_FOR_SDXL:
        yield seen.warning(
            "small-for-sdxl", "resolution", f"SDXL was made for 1024 pixels, not for {written}.",
            'Write resolution = "1024,1024".',
        )  # fmt: skip
    if not seen.sdxl and sides[0] * sides[1] > _LARGE_FOR_SD15**2:
        yield seen.warning(
            "large-for-sd15", "resolution",
            f"SD 1.5 was made for 512 pixels, and for up to 768 it does well; not for {written}.",
            'Write resolution = "768,768", or name a base of SDXL.',
        )  # fmt: skip
    if seen.get("enable_bucket"):
        yield from _buckets(seen, written, sides)


def _sides(written: str, seen: Seen) -> str:
    """The two numbers that were meant, 1024x1024; else what the family was made for."""
    meant = re.fullmatch(r"\s*(\d+)\s*[xX×*:;/ ]\s*(\d+)\s*", written)
    if meant and int(meant[1]) and int(meant[2]):
        return f"{int(meant[1])},{int(meant[2])}"
    return "1024,1024" if seen.sdxl else "512,512"


def _buckets(seen: Seen, written: str, sides: tuple[int, int]) -> Iterator[Finding]:
    step, multiple = seen.get("bucket_reso_steps", 64), 32 if seen.sdxl else 64
    if step % multiple:
        yield seen.error(
            "bucket-steps", "bucket_reso_steps",
            f"`bucket_reso_steps = {step}` is no multiple of {multiple}: {seen.script} refuses it.",
            f"Write bucket_reso_steps = {multiple}.",
        )  # fmt: skip
    # Rounded to steps as the engine does before it looks; with bucket_no_upscale it looks all the same.
    low, high = seen.get("min_bucket_reso", 256), seen.get("max_bucket_reso", 1024)
    rounded = low - low % step, high + -high % step
    lowest = 0 if seen.get("bucket_no_upscale") else step  # else it divides by that
    if max(lowest, rounded[0]) > min(sides):
        yield _below(seen, written, sides, step, lowest)
    elif rounded[0] < lowest:
        said = f"`min_bucket_reso = {low}` is less than a bucket's step, {step}: the engine rounds it down to 0 and divides by it."
        yield _of_range(seen, "min_bucket_reso", said, f"Write min_bucket_reso = {step}.")
    if max(sides) > rounded[1]:
        said = f"`max_bucket_reso = {high}` is less than the longer side of the resolution {written}: the engine refuses it."
        yield _of_range(seen, "max_bucket_reso", said, f"Write max_bucket_reso = {2 * max(sides)}.")
    elif max(sides) == rounded[1] and not seen.get("bucket_no_upscale"):
        yield seen.warning(
            "buckets-short", "max_bucket_reso",
            f"no bucket is longer than the resolution's {max(sides)} pixels: pictures that are not square are made small.",
            f"Write max_bucket_reso = {2 * max(sides)}.",
        )  # fmt: skip


def _of_range(seen: Seen, name: str, message: str, hint: str) -> Finding:
    """At the line of `name`; where nobody wrote that, at the resolution's."""
    return seen.error("bucket-range", name if seen.by_user(name) else "resolution", message, hint)


def _below(seen: Seen, written: str, sides: tuple[int, int], step: int, lowest: int) -> Finding:
    """The resolution's shorter side lies below the least that a bucket has."""
    low = seen.get("min_bucket_reso", 256)
    if min(sides) >= lowest:
        said = f"`min_bucket_reso = {low}` is more than the shorter side of the resolution {written}: the engine refuses it."
        return _of_range(
            seen,
            "min_bucket_reso",
            said,
            f"Write min_bucket_reso = {max(1, min(sides) - min(sides) % step)}.",
        )
    said = f"the resolution {written} has a side shorter than a bucket's step, {step}: no bucket is as small."
    width, height = (max(side, step) for side in sides)
    least = "" if low - low % step == step else f", min_bucket_reso = {step}"
    return _of_range(seen, "resolution", said, f'Write resolution = "{width},{height}"{least}.')


def latents(seen: Seen) -> Iterator[Finding]:
    """Cached latents cannot be changed any more (engine contract, section 1)."""
    cached = "cache_latents" if seen.get("cache_latents") else "cache_latents_to_disk"
    for name in ("color_aug", "random_crop"):
        if seen.get(name) and seen.get(cached):
            yield seen.error(
                "cached-latents", name, f"`{name}` changes pictures that `{cached}` has encoded once for all: the engine refuses it.",
                f"Remove `{name}`, or `{cached}`.",
            )  # fmt: skip
    if not seen.get(cached) and not seen.get("enable_bucket"):
        yield seen.warning(
            "exact-sizes", "enable_bucket",
            "without buckets and without cached latents every picture must have exactly the resolution, or training "
            "stops at it.", "Write enable_bucket = true.",
        )  # fmt: skip
