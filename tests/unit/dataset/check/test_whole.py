"""Twins, caches, variety, the guide's list, and the count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.dataset.check import caches, variety
from kohya_wrap.domain.dataset import Inventory, Subset
from kohya_wrap.domain.family import FamilyName
from tests.unit.dataset.check.conftest import checked, codes, image, look, message, settings
from tests.unit.dataset.conftest import Picture


def test_the_same_file_twice_and_nearly_the_same_picture() -> None:
    images = [
        image("a.png", "1", digest="x"),
        image("b.png", "2", digest="x"),
        image("c.png", "3"),
        image("d.png", "4"),
    ]
    found = checked(images, looks={"a.png": look(1), "b.png": look(1), "c.png": look(1)})
    assert (
        message(found, "duplicate") == "1 image is the same file as another: 10_thing/a.png = 10_thing/b.png."
    )
    assert message(found, "near-duplicate") == (
        "1 image is nearly the same picture as another: 10_thing/a.png = 10_thing/c.png."
    )
    assert [one.alike for one in found.images] == [
        ("10_thing/b.png", "10_thing/c.png"), ("10_thing/a.png",), ("10_thing/a.png",), (),
    ]  # fmt: skip


def test_of_very_many_copies_each_names_a_few() -> None:
    found = checked([image(f"{n}.png", f"{n}", digest="x") for n in range(200)])
    assert all(len(one.alike) == 10 and one.name not in one.alike for one in found.images)


def test_pictures_that_show_next_to_nothing_are_not_all_alike() -> None:
    looks = {name: look(1, entropy=1.0) for name in ("a.png", "b.png")}
    assert "near-duplicate" not in codes(checked([image("a.png", "1"), image("b.png", "2")], looks=looks))


@pytest.mark.parametrize(("options", "said"), [({"flip_aug": True}, True), ({}, False)])
def test_mirror_images_matter_where_the_engine_makes_them_itself(options: dict[str, Any], said: bool) -> None:
    looks = {"a.png": look(1), "b.png": look(1, likeness=look(1).mirrored, mirrored=look(1).likeness)}
    found = checked([image("a.png", "1"), image("b.png", "2")], settings(options), looks)
    assert ("mirrored" in codes(found)) is said
    assert "near-duplicate" not in codes(found)


@pytest.mark.parametrize(
    ("name", "family", "said"),
    [
        ("a_0012x0008_sd.npz", FamilyName.SD15, True),
        ("a.npz", FamilyName.SD15, True),
        ("a_0012x0008_sdxl.npz", FamilyName.SD15, False),
        ("a_0012x0008_sdxl.npz", FamilyName.SDXL, True),
        ("a_te_outputs.npz", FamilyName.SDXL, True),
        ("a_te_outputs.npz", FamilyName.SD15, False),
        ("other_0012x0008_sd.npz", FamilyName.SD15, False),
    ],
)
def test_caches_that_the_engine_would_take(
    picture: Picture, name: str, family: FamilyName, said: bool
) -> None:
    path = picture("10_a/a.png")
    (path.parent / name).write_bytes(b"")
    subset = Subset(path.parent, 10, "a", (image("a.png", "x", folder=path.parent),))
    assert bool(list(caches.findings([subset], family))) is said


def test_a_cache_older_than_its_image_is_counted(picture: Picture) -> None:
    path = picture("10_a/a.png")
    cache = path.with_name("a_0012x0008_sd.npz")
    cache.write_bytes(b"")
    subset = Subset(path.parent, 10, "a", (image("a.png", "x", folder=path.parent),))
    (fresh,) = caches.findings([subset], FamilyName.SD15)
    os.utime(cache, (1, 1))
    (stale,) = caches.findings([subset], FamilyName.SD15)
    assert "older" not in fresh.message and "(1 older than the image)" in stale.message


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (5, "fewer than"),
        (20, "simple"),
        (40, "simple"),
        (41, "medium"),
        (80, "medium"),
        (81, "complex"),
        (150, "complex"),
        (151, "more than"),
    ],
)
def test_the_guides_sizes(images: int, words: str) -> None:
    assert words in variety.size_class(images)


@pytest.mark.parametrize(
    ("images", "said"), [(14, {"few-images"}), (15, set()), (150, set()), (151, {"many-images"})]
)
def test_too_few_and_too_many(images: int, said: set[str]) -> None:
    found = checked([image(f"{n}.png", f"{n}") for n in range(images)])
    assert codes(found) & {"few-images", "many-images"} == said


@pytest.mark.parametrize(("grey", "said"), [(0, False), (3, True), (12, False)])
def test_some_pictures_without_colour(grey: int, said: bool) -> None:
    looks = {f"{n}.png": look(n, grey=n < grey) for n in range(12)}
    assert ("grey" in codes(checked([image(f"{n}.png", f"{n}") for n in range(12)], looks=looks))) is said


def test_pictures_that_are_all_lit_alike() -> None:
    images = [image(f"{n}.png", f"{n}") for n in range(12)]
    assert "lit-alike" in codes(
        checked(images, looks={f"{n}.png": look(n, mean=0.5 + n / 999) for n in range(12)})
    )
    assert "lit-alike" not in codes(checked(images))


@pytest.mark.parametrize(
    ("images", "values", "states"),
    [
        (["x"], {}, ["done", "cannot be seen", "done", "done", "cannot be seen"]),
        ([None], {}, ["done", "not done", "done", "done", "cannot be seen"]),
        (["x"], {"config_ready": None}, ["done", "cannot be seen", "done", "not done", "cannot be seen"]),
        (["x"], {"config_ready": False}, ["done", "cannot be seen", "done", "not done", "cannot be seen"]),
        (["x"], {"options": {"sample_prompts": "p.txt"}}, ["done", "cannot be seen", "done", "done", "done"]),
        (
            ["x"],
            {"options": {"enable_bucket": False}},
            ["not done", "cannot be seen", "done", "done", "cannot be seen"],
        ),
    ],
)
def test_the_guides_list(images: list[str | None], values: dict[str, Any], states: list[str]) -> None:
    found = checked(
        [image(f"{n}.png", text, (2000, 1000)) for n, text in enumerate(images)], settings(**values)
    )
    assert [tick.state.value for tick in found.checklist] == states


def test_buckets_batches_and_steps_with_regularisation_images() -> None:
    images = [image("a.png", "1"), image("b.png", "2"), image("c.png", "3", (1600, 1000))]
    regular = Inventory((Subset(Path("reg/1_x"), 1, "x", (image("r.png", None),)),), ".txt", ())
    alone, beside = checked(images), checked(images, regular=regular)
    assert [(b.size, b.images, b.passes, b.batches) for b in alone.buckets] == [
        ((512, 512), 2, 20, 10), ((640, 384), 1, 10, 5),
    ]  # fmt: skip
    assert (alone.plan.batches_per_epoch, alone.plan.steps) == (15, 150)
    assert (beside.buckets[0].images, beside.buckets[0].passes) == (3, 50)
    assert beside.plan.steps == 300


def test_an_image_without_a_bucket_is_not_counted() -> None:
    found = checked(
        [image("a.png", "1", (40, 600)), image("b.png", "2", (600, 600))],
        settings({"bucket_no_upscale": True}),
    )
    assert [(bucket.size, bucket.passes) for bucket in found.buckets] == [((512, 512), 10)]
    assert found.images[0].framing is None
