"""LoRA files and state folders: names, pruning, bytes, all written in place as the engine writes them."""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from kohya_wrap.rehearsal.console import info
from kohya_wrap.rehearsal.denoiser import Network
from kohya_wrap.rehearsal.faults import Faults
from kohya_wrap.rehearsal.optimizer import AdamW

MARK = {"kohya_wrap_rehearsal": "true"}  # stands in every file, so that none can be taken for a trained LoRA

_KINDS: dict[int | None, str] = {errno.ENOENT: "NotFound", errno.ENOSPC: "StorageFull"}  # Rust's names


def epoch_name(args: argparse.Namespace, number: int) -> str:
    return f"{'epoch' if args.output_name is None else args.output_name}-{number:06d}"


def step_name(args: argparse.Namespace, number: int) -> str:
    return f"{'at' if args.output_name is None else args.output_name}-step{number:08d}"


def last_name(args: argparse.Namespace) -> str:
    return "last" if args.output_name is None else str(args.output_name)


def save_lora(
    args: argparse.Namespace, name: str, network: Network, metadata: dict[str, str], faults: Faults
) -> None:
    """Write `name` as save_model_as says. Without an output_dir: TypeError, and no sooner, as the engine."""
    folder = Path(args.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{args.save_model_as}"
    print(f"\nsaving checkpoint: {path}")
    tensors = {key: _cast(value, args.save_precision) for key, value in network.tensors().items()}
    if path.suffix == ".safetensors":
        body = _safetensors(tensors, {k: v for k, v in metadata.items() if k.startswith("ss_")})
        size = int.from_bytes(body[:8], "little")
        hashes = {
            "sshs_model_hash": hashlib.sha256(body[8 + size :]).hexdigest(),
            "sshs_legacy_hash": hashlib.sha256(body[0x100000:0x110000]).hexdigest()[:8],
        }
        data = _safetensors(tensors, metadata | MARK | hashes)
    else:
        data = pickle.dumps(tensors | MARK)
    _write(path, data, cut_short=faults.strikes("disk-full@save"))


def remove_lora(args: argparse.Namespace, name: str) -> None:
    path = Path(args.output_dir) / f"{name}.{args.save_model_as}"
    if path.exists():
        print(f"removing old checkpoint: {path}")
        path.unlink()


def remove_state(args: argparse.Namespace, name: str) -> None:
    path = Path(args.output_dir) / f"{name}-state"
    if path.exists():
        info(f"removing old state: {path}")
        shutil.rmtree(path)


def save_state(
    args: argparse.Namespace, name: str, network: Network, optimizer: AdamW, rng: np.random.Generator,
    faults: Faults, *, epoch: int, step: int,
) -> None:  # fmt: skip
    """train_state.json first, random_states_0.pkl last: the latter is the engine's mark of a whole one."""
    folder = Path(args.output_dir) / f"{name}-state"
    folder.mkdir(parents=True, exist_ok=True)
    info(f"Saving current state to {folder}")
    info(f"save train state to {folder / 'train_state.json'} at epoch {epoch} step {step}")
    (folder / "train_state.json").write_text(json.dumps({"current_epoch": epoch, "current_step": step}))
    _write(folder / "model.safetensors", _safetensors(network.tensors(), {"format": "pt"} | MARK))
    info(f"Model weights saved in {folder / 'model.safetensors'}")
    if faults.strikes("disk-full@state"):
        (folder / "optimizer.bin").write_bytes(b"PK\3\4")
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")
    moments = {f"exp_avg.{key}": value for key, value in optimizer.first.items()}
    moments |= {f"exp_avg_sq.{key}": value for key, value in optimizer.second.items()}
    with (folder / "optimizer.bin").open("wb") as file:
        np.savez(file, step=np.array(optimizer.steps), **moments)  # type: ignore[arg-type]
    info(f"Optimizer state saved in {folder / 'optimizer.bin'}")
    (folder / "scheduler.bin").write_text(json.dumps({"base_lrs": optimizer.rates}))
    info(f"Scheduler state saved in {folder / 'scheduler.bin'}")
    (folder / "random_states_0.pkl").write_text(json.dumps(rng.bit_generator.state))
    info(f"Random states saved in {folder / 'random_states_0.pkl'}")


def load_state(folder: Path, network: Network, optimizer: AdamW, rng: np.random.Generator) -> int | None:
    """Put everything back as it was saved; the step that train_state.json tells, None where it is missing."""
    if not folder.is_dir():
        raise ValueError(f"Tried to find {folder} but folder does not exist")
    info(f"Loading states from {folder}")
    told = folder / "train_state.json"
    state = json.loads(told.read_text(encoding="utf-8")) if told.exists() else None
    if state is not None:
        info(f"load train state from {told}: {state}")
    network.load(load_file(folder / "model.safetensors"))
    info("All model weights loaded successfully")
    with np.load(folder / "optimizer.bin") as moments:
        optimizer.steps = int(moments["step"])
        for kind, values in (("exp_avg", optimizer.first), ("exp_avg_sq", optimizer.second)):
            for key, value in values.items():
                value[...] = moments[f"{kind}.{key}"]
    info("All optimizer states loaded successfully")
    optimizer.rates = json.loads((folder / "scheduler.bin").read_text())[
        "base_lrs"
    ]  # they win over the config's
    info("All scheduler states loaded successfully")
    try:
        rng.bit_generator.state = json.loads((folder / "random_states_0.pkl").read_text())
        info("All random states loaded successfully")
    except (OSError, ValueError):
        info("Could not load random states")
    return None if state is None else int(state["current_step"])


def _cast(values: np.ndarray, precision: str | None) -> np.ndarray:
    """float, fp16 or bf16 (as 16 bits, for NumPy has no such type); anything else leaves them as they are."""
    if precision == "bf16":
        bits = np.asarray(values, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)  # to nearest, ties to even
    kind = {"fp16": np.float16, "float": np.float32}.get(precision or "")
    return values if kind is None else np.asarray(values, kind)


def _safetensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file. The library's own writer for NumPy has no bf16."""
    names = {"float32": "F32", "float16": "F16", "int64": "I64", "uint16": "BF16"}
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    data = bytearray()
    for key, value in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):  # aligned
        start = len(data)
        data += value.tobytes()
        header[key] = {
            "dtype": names[value.dtype.name],
            "shape": value.shape,
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(data)


def _write(path: Path, data: bytes, *, cut_short: bool = False) -> None:
    try:
        if cut_short:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(data)
    except OSError as failure:
        cause = f'code: {failure.errno}, kind: {_KINDS.get(failure.errno)}, message: "{failure.strerror}"'
        raise SafetensorError(f"Error while serializing: IoError(Os {{ {cause} }})") from None
