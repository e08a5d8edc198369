"""What the engine's caches are told apart by: each option that they depend on, and no other."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.dataset.view.laid_out import CachedWith
from kohya_wrap.dataset.view.store import Kind
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.engine.locate import Engine
from kohya_wrap.workflow import cached_with

ENGINE = Engine("real", "48d368fa", Path("source"), ("python",), None)
SDXL = FAMILIES[FamilyName.SDXL]


def config(base: Path, **changes: Any) -> TrainingConfig:
    values = {
        "pretrained_model_name_or_path": str(base), "resolution": "512,512", "cache_latents_to_disk": True,
        "cache_text_encoder_outputs_to_disk": True,
    }  # fmt: skip
    return settle([Layer(Origin.FILE, values | changes)])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.safetensors"
    path.write_bytes(b"base")
    return path


def of(base: Path, **changes: Any) -> CachedWith:
    return cached_with.of(config(base, **changes), SDXL, ENGINE)


LATENTS = [
    ("resolution", "1024,1024"), ("enable_bucket", True), ("min_bucket_reso", 64), ("max_bucket_reso", 2048),
    ("bucket_reso_steps", 32), ("bucket_no_upscale", True), ("flip_aug", True), ("alpha_mask", True),
    ("resize_interpolation", "lanczos"), ("no_half_vae", True),
]  # fmt: skip


@pytest.mark.parametrize(("option", "value"), LATENTS)
def test_latents(base: Path, option: str, value: Any) -> None:
    before, now = of(base), of(base, **{option: value})
    assert now.latents != before.latents
    assert now.texts == before.texts


@pytest.mark.parametrize(
    ("option", "value"), [("max_token_length", 225), ("weighted_captions", True), ("clip_skip", 2)]
)
def test_texts(base: Path, option: str, value: Any) -> None:
    before, now = of(base), of(base, **{option: value})
    assert now.texts != before.texts
    assert now.latents == before.latents


def test_both_have_the_precision(base: Path) -> None:
    before, now = of(base), of(base, mixed_precision="bf16")
    assert now.texts != before.texts and now.latents != before.latents


@pytest.mark.parametrize(
    "option", ["seed", "learning_rate", "train_batch_size", "network_dim", "output_name"]
)
def test_nothing_else(base: Path, option: str) -> None:
    assert of(base, **{option: 7}) == of(base)


def test_the_same_resolution_in_other_words(base: Path) -> None:
    assert of(base, resolution="512", min_bucket_reso=256) == of(base)


def test_another_base_under_the_same_name(base: Path) -> None:
    before = of(base)
    base.write_bytes(b"case")
    os.utime(base, ns=(5, 5))
    now = of(base)
    assert now.latents != before.latents and now.texts != before.texts


def test_a_base_is_known_by_its_recorded_content_wherever_it_lies(base: Path, tmp_path: Path) -> None:
    from kohya_wrap.engine import store

    moved = tmp_path / "elsewhere" / "other.safetensors"
    moved.parent.mkdir()
    moved.write_bytes(b"base")
    assert of(moved) != of(base)
    for path in (base, moved):
        store.holds(path, "0" * 64)  # hashes, and records
    assert of(moved) == of(base)


def test_a_diffusers_folder(tmp_path: Path) -> None:
    weights = tmp_path / "base" / "vae" / "x.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"one")
    before = of(tmp_path / "base")
    weights.write_bytes(b"another")
    assert of(tmp_path / "base") != before


def test_a_vae_of_its_own(base: Path, tmp_path: Path) -> None:
    vae = tmp_path / "vae.safetensors"
    vae.write_bytes(b"vae")
    before, now = of(base), of(base, vae=str(vae))
    assert now.latents != before.latents and now.texts == before.texts
    base.write_bytes(b"another base")
    assert of(base, vae=str(vae)).latents == now.latents


def test_another_engine_and_family(base: Path) -> None:
    newer = cached_with.of(config(base), SDXL, replace(ENGINE, commit="0"))
    older = cached_with.of(config(base), FAMILIES[FamilyName.SD15], ENGINE)
    assert len({newer.latents, older.latents, of(base).latents}) == 3
    assert (older.ending, of(base).ending) == ("_sd.npz", "_sdxl.npz")


def test_what_is_not_cached_on_disk(base: Path) -> None:
    none = of(base, cache_latents_to_disk=False, cache_text_encoder_outputs_to_disk=None)
    assert (none.latents, none.texts) == ("", "")
    assert cached_with.of(config(base), SDXL, replace(ENGINE, kind="rehearsal")) == CachedWith()


@pytest.mark.parametrize(
    ("kind", "changes", "size"),
    [
        (Kind.LATENTS, {}, 65_536),  # 4 x 64 x 64 numbers of four bytes
        (Kind.LATENTS, {"resolution": "1024,1024", "flip_aug": True}, 2 * 262_144),
        (Kind.LATENTS, {"alpha_mask": True}, 65_536 + 512 * 512 * 4),
        (Kind.TEXTS, {}, 77 * (768 + 1280) * 4),
        (Kind.TEXTS, {"max_token_length": 225}, 3 * 77 * (768 + 1280) * 4),
    ],
)
def test_how_much_each_takes(base: Path, kind: Kind, changes: dict[str, Any], size: int) -> None:
    assert cached_with.size(kind, config(base, **changes)) == size
