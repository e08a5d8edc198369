"""Names, pruning, metadata and types of what is written."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from tests.unit.rehearsal.conftest import SQUARE, Bench


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({"max_train_epochs": 3, "save_every_n_epochs": 1},
         {"lo-000001.safetensors", "lo-000002.safetensors", "lo.safetensors"}),
        ({"max_train_epochs": 5, "save_every_n_epochs": 1, "save_last_n_epochs": 2},
         {"lo-000003.safetensors", "lo-000004.safetensors", "lo.safetensors"}),
        ({"max_train_epochs": 4, "save_n_epoch_ratio": 2}, {"lo-000002.safetensors", "lo.safetensors"}),
        ({"max_train_epochs": 2, "save_every_n_steps": 2},
         {"lo-step00000002.safetensors", "lo-step00000004.safetensors", "lo.safetensors"}),
        ({"max_train_epochs": 5, "save_every_n_steps": 2, "save_last_n_steps": 4},
         {"lo-step00000006.safetensors", "lo-step00000008.safetensors", "lo-step00000010.safetensors",
          "lo.safetensors"}),
        ({"output_name": None, "save_every_n_epochs": 1, "save_every_n_steps": 3},
         {"epoch-000001.safetensors", "at-step00000003.safetensors", "last.safetensors"}),
        ({"output_name": "", "save_every_n_epochs": 1}, {"-000001.safetensors", ".safetensors"}),
        ({"max_train_epochs": 4, "save_every_n_epochs": 1, "save_state": True, "save_last_n_epochs_state": 1},
         {"lo-000001.safetensors", "lo-000002.safetensors", "lo-000003.safetensors", "lo.safetensors",
          "lo-000003-state", "lo-state"}),
        ({"save_every_n_steps": 3, "save_state": True},
         {"lo-step00000003.safetensors", "lo-step00000003-state", "lo.safetensors", "lo-state"}),
        ({"save_state_on_train_end": True}, {"lo.safetensors", "lo-state"}),
        ({"save_model_as": "banana"}, {"lo.banana"}),
    ],
)  # fmt: skip
def test_names_and_pruning(bench: Bench, options: dict[str, Any], files: set[str]) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(**options)
    assert run.returncode == 0, run.stderr
    assert bench.files() == files


def test_a_state_folder_is_the_engines(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(save_every_n_epochs=1, save_state=True)
    state = bench.out / "lo-000001-state"
    in_order = [
        "train_state.json",
        "model.safetensors",
        "optimizer.bin",
        "scheduler.bin",
        "random_states_0.pkl",
    ]
    assert sorted(p.name for p in state.iterdir()) == sorted(in_order)
    written = [(state / name).stat().st_mtime_ns for name in in_order]
    assert written == sorted(written)
    assert json.loads((state / "train_state.json").read_text()) == {"current_epoch": 1, "current_step": 2}
    assert "saving state at epoch 1" in run.stderr and "saving last state." in run.stderr


def test_metadata_are_the_engines_and_say_rehearsal(bench: Bench) -> None:
    bench.images(*[SQUARE] * 5, folder="10_thing")
    bench.train(
        train_batch_size=3, gradient_accumulation_steps=2, optimizer_type="AdamW8bit", mixed_precision="fp16"
    )
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        found = file.metadata()
    expected = {
        "ss_num_train_images": "50", "ss_batch_size_per_device": "3",
        "ss_total_batch_size": "6", "ss_num_batches_per_epoch": "17", "ss_steps": "18", "ss_epoch": "2",
        "ss_num_epochs": "2", "ss_max_train_steps": "18", "ss_network_dim": "8", "ss_network_alpha": "4.0",
        "ss_network_module": "networks.lora", "ss_learning_rate": "0.001", "ss_unet_lr": "None",
        "ss_seed": "7",
        "ss_base_model_version": "sd_v1", "ss_output_name": "lo", "ss_mixed_precision": "fp16",
        "ss_resolution": "(128, 128)", "ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit",
        "ss_lr_scheduler": "constant", "ss_text_encoder_lr": "None", "ss_gradient_accumulation_steps": "2",
        "ss_sd_scripts_commit_hash": "(rehearsal)", "modelspec.architecture": "stable-diffusion-v1/lora", "kohya_wrap_rehearsal": "true",
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected
    assert json.loads(found["ss_dataset_dirs"]) == {"10_thing": {"n_repeats": 10, "img_count": 5}}
    assert json.loads(found["ss_tag_frequency"]) == {
        "10_thing": {"thing": 5, "tag0": 2, "tag1": 2, "tag2": 1}
    }
    assert json.loads(found["ss_bucket_info"])["buckets"] == {"0": {"resolution": [128, 128], "count": 50}}
    assert "rehearsal" in found["ss_training_comment"]


@pytest.mark.parametrize(
    ("precision", "kind"), [(None, "F32"), ("float", "F32"), ("fp16", "F16"), ("bf16", "BF16")]
)
def test_save_precision(bench: Bench, precision: str | None, kind: str) -> None:
    bench.images(*[SQUARE] * 2)
    bench.train(save_precision=precision, save_state=True)
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        names = list(file.keys())
        assert {file.get_slice(name).get_dtype() for name in names} == {kind}
    module = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v"
    assert {f"{module}.{part}" for part in ("lora_down.weight", "lora_up.weight", "alpha")} <= set(names)
    exact = load_file(bench.out / "lo-state" / "model.safetensors")[f"{module}.lora_up.weight"]
    raw = (bench.out / "lo.safetensors").read_bytes()
    header = int.from_bytes(raw[:8], "little")
    start, end = json.loads(raw[8 : 8 + header])[f"{module}.lora_up.weight"]["data_offsets"]
    data = raw[8 + header + start : 8 + header + end]
    if kind == "BF16":
        saved = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    else:
        saved = np.frombuffer(data, np.float16 if kind == "F16" else np.float32).astype(np.float32)
    assert np.abs(exact).max() > 1e-4
    np.testing.assert_allclose(
        saved, exact.ravel(), rtol={"F32": 0, "F16": 2**-11, "BF16": 2**-8}[kind], atol=1e-7
    )


def test_an_integer_alpha_is_saved_as_one(bench: Bench) -> None:
    bench.images(SQUARE)
    bench.train(network_alpha=2)
    assert {
        t.dtype.name for name, t in load_file(bench.out / "lo.safetensors").items() if name.endswith("alpha")
    } == {"int64"}


def test_sdxl_has_its_own_names_and_rules(bench: Bench) -> None:
    bench.images(SQUARE)
    run = bench.train(script="sdxl_train_network.py", bucket_reso_steps=32)
    assert run.returncode == 0, run.stderr
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        prefixes = {name.split("_")[1] for name in file.keys()}  # noqa: SIM118 - not a mapping
        assert (
            prefixes == {"te1", "te2", "unet"}
            and file.metadata()["ss_base_model_version"] == "sdxl_base_v1-0"
        )
    assert "it must be divisible by 64" in bench.train(bucket_reso_steps=32).stderr


def test_the_text_encoder_is_left_out_when_it_is_not_trained(bench: Bench) -> None:
    bench.images(SQUARE)
    bench.train(network_train_unet_only=True)
    assert not [name for name in load_file(bench.out / "lo.safetensors") if name.startswith("lora_te")]
