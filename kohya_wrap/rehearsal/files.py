"""LoRA files and state folders, written in place as the engine writes them."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from kohya_wrap.rehearsal.console import log
from kohya_wrap.rehearsal.data import Dataset
from kohya_wrap.rehearsal.network import AdamW, Family, Network
from kohya_wrap.rehearsal.options import Options

_MARK = {"kohya_wrap_rehearsal": "true"}  # stands in every file, so that none can be taken for a trained LoRA
_AS_GIVEN = (
    "gradient_accumulation_steps", "learning_rate", "lr_scheduler", "max_train_steps", "mixed_precision",
    "network_alpha", "network_dim", "network_module", "output_name", "resolution", "seed", "text_encoder_lr",
    "unet_lr",
)  # fmt: skip


def metadata(args: Options, family: Family, dataset: Dataset, **told: Any) -> dict[str, str]:
    """What the engine writes into a LoRA's header, as far as others read it; `told` is the trainer's share."""
    folders, tags = {}, {}
    for subset in dataset.subsets:
        folders[subset.folder.name] = {"n_repeats": subset.repeats, "img_count": len(subset.images)}
        parts = (part.strip().lower() for _, caption in subset.images for part in caption.split(","))
        tags[subset.folder.name] = Counter(filter(None, parts))
    buckets = [{"resolution": size, "count": len(images)} for size, images in dataset.buckets.items()]
    shapes = {"buckets": dict(enumerate(buckets)), "mean_img_ar_error": dataset.aspect_error}
    found = {f"ss_{name}": getattr(args, name) for name in _AS_GIVEN} | {
        "ss_base_model_version": family.version,
        "ss_batch_size_per_device": args.train_batch_size,
        "ss_bucket_info": json.dumps(shapes if args.enable_bucket else None),
        "ss_dataset_dirs": json.dumps(folders),
        "ss_num_batches_per_epoch": len(dataset),
        "ss_sd_scripts_commit_hash": "(rehearsal)",
        "ss_tag_frequency": json.dumps(tags),
        "ss_total_batch_size": args.train_batch_size * args.gradient_accumulation_steps,
        "ss_training_comment": "kohya-wrap rehearsal: not a trained LoRA",
        "modelspec.architecture": family.architecture,
    }
    return {key: str(value) for key, value in found.items()} | {f"ss_{k}": str(v) for k, v in told.items()}


def save_lora(path: Path, network: Network, header: dict[str, str], precision: str, full: bool) -> None:
    print(f"\nsaving checkpoint: {path}")
    data = _safetensors({key: _cast(value, precision) for key, value in network.tensors().items()}, header)
    if full:
        path.write_bytes(data[: len(data) // 2])
        cause = 'Os { code: 28, kind: StorageFull, message: "No space left on device" }'
        raise SafetensorError(f"Error while serializing: IoError({cause})")
    _write(path, data)


def _write(path: Path, data: bytes) -> None:
    """In place, and for as long as KOHYA_WRAP_REHEARSAL_SAVE_SECONDS says: a large file is half there for a while."""
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(float(os.environ.get("KOHYA_WRAP_REHEARSAL_SAVE_SECONDS", "0")))
        file.write(data[len(data) // 2 :])


def remove(path: Path) -> None:
    """An old checkpoint or state, if it is there."""
    if path.is_dir():
        log(f"removing old state: {path}")
        shutil.rmtree(path)
    elif path.exists():
        print(f"removing old checkpoint: {path}")
        path.unlink()


def save_state(
    folder: Path, network: Network, optimizer: AdamW, rng: np.random.Generator, full: bool, **told: int
) -> None:
    """train_state.json first, random_states_0.pkl last: the latter is the engine's mark of a whole one."""
    log(f"Saving current state to {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train_state.json").write_text(json.dumps(told))
    _write(folder / "model.safetensors", _safetensors(network.tensors(), {}))
    with (folder / "optimizer.bin").open("wb") as file:
        if full:
            file.write(b"PK\3\4")
            raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")
        np.savez(file, **optimizer.moments)  # type: ignore[arg-type]
    _zipped(folder / "scheduler.bin", [optimizer.steps, optimizer.rates])
    _zipped(folder / "random_states_0.pkl", rng.bit_generator.state)


def load_state(folder: Path, network: Network, optimizer: AdamW, rng: np.random.Generator) -> int:
    """Put everything back as it was saved; the step that train_state.json tells."""
    if not folder.is_dir():
        raise ValueError(f"Tried to find {folder} but folder does not exist")
    state = json.loads((folder / "train_state.json").read_text(encoding="utf-8"))
    log(f"load train state from {folder / 'train_state.json'}: {state}")
    network.load(load_file(folder / "model.safetensors"))
    with np.load(folder / "optimizer.bin") as moments:
        for key, value in optimizer.moments.items():
            value[...] = moments[key]
    # The state's rates, not the config's: so does the engine.
    optimizer.steps, optimizer.rates = _unzipped(folder / "scheduler.bin")
    with suppress(OSError):  # the engine goes on without them
        rng.bit_generator.state = _unzipped(folder / "random_states_0.pkl")
    return int(state["current_step"])


def _zipped(path: Path, value: Any) -> None:
    """As torch.save packs its files."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data", json.dumps(value))


def _unzipped(path: Path) -> Any:
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("data"))


def _cast(values: np.ndarray, precision: str) -> np.ndarray:
    """float, fp16 or bf16 (as 16 bits, for NumPy has no such type); anything else leaves them as they are."""
    if precision == "bf16":
        bits = np.asarray(values, np.float32).view(np.uint32)
        return np.asarray((bits + 0x7FFF + (bits >> 16 & 1)) >> 16, np.uint16)  # to nearest, ties to even
    kind = {"fp16": np.float16, "float": np.float32}.get(precision)
    return values if kind is None else np.asarray(values, kind)


def _safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    data = save(tensors, metadata | _MARK)
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size].replace(b'"U16"', b'"BF16"')  # which the library's NumPy side does not know
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]
