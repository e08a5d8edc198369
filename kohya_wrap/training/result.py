"""Whether a run gave what was asked for: exit code 0 is not believed (engine contract, section 6)."""

from __future__ import annotations

import json
from pathlib import Path

from kohya_wrap.errors import TrainingFailed
from kohya_wrap.training import failure
from kohya_wrap.training.seen import Seen

_FLOAT_BITS = {"F16": (16, 0x7C00), "BF16": (16, 0x7F80), "F32": (32, 0x7F800000)}  # width, exponent mask


def weights_problem(path: Path) -> str:
    """What is wrong with a finished LoRA file, in words; empty where it is whole, finite and has moved.

    `lora_up` starts at zero, so a file whose `lora_up` is all zeros has learned nothing.
    """
    import numpy as np

    try:
        blob = np.memmap(path, dtype=np.uint8, mode="r")
        start = 8 + int(blob[:8].view("<u8")[0])
        header = json.loads(bytes(blob[8:start]))
    except (OSError, ValueError, IndexError):
        return "is no readable .safetensors file"
    moved = False
    for name, tensor in header.items():
        if name == "__metadata__" or tensor["dtype"] not in _FLOAT_BITS:
            continue
        begin, end = (start + offset for offset in tensor["data_offsets"])
        if end > len(blob):
            return "is cut short"
        width, exponent = _FLOAT_BITS[tensor["dtype"]]
        bits = np.frombuffer(blob[begin:end].tobytes(), f"<u{width // 8}")
        if ((bits & exponent) == exponent).any():
            return f"holds values that are no numbers ({name})"
        if "lora_up" in name or "hada_w" in name or "lokr_w" in name:
            moved = moved or bool(((bits << 1) != 0).any())  # the sign of a zero is no movement
    return "" if moved else "holds layers that never moved"


def judge(lora: Path, seen: Seen, code: int, *, began: float, log: Path) -> None:
    """Pass a run whose final file is new, whole, finite and moved, after all the steps the engine announced.

    Args:
        code: the launcher's exit code.
        began: seconds since the epoch; an older `lora` is another run's.

    Raises:
        TrainingFailed: with the engine's own cause where it gave one.
    """
    look = f"less {log}"
    if code != 0 or seen.no_data or seen.not_finite_at is not None:
        raise failure.explain(seen, code, log)
    if not lora.is_file() or lora.stat().st_mtime < began - 1:
        raise TrainingFailed(
            f"The engine ended without {lora.name}.", why="It exits 0 also where it did nothing.", hint=look
        )
    if seen.steps != seen.total:
        raise TrainingFailed(
            f"The engine ended after {seen.steps} of {seen.total} steps.",
            why="It exits 0 all the same.",
            hint=look,
        )
    if lora.suffix == ".safetensors" and (problem := weights_problem(lora)):
        raise TrainingFailed(
            f"{lora.name} {problem}.", why="The training ran, but what it saved is of no use.", hint=look
        )
