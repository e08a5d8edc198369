"""Whether a run gave what was asked for: exit code 0 is not believed (engine contract, section 6)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from operator import and_
from pathlib import Path
from typing import IO

from kohya_wrap.errors import EngineError, TrainingFailed
from kohya_wrap.host import safetensors_file
from kohya_wrap.host.safetensors_file import Tensor
from kohya_wrap.training import failure
from kohya_wrap.training.seen import Seen

# Parts of a tensor's name that start at zero in training, of each kind of network that the engine can write: LoRA,
# LoCon, DyLoRA; LoHa; LoKr, whole or in two factors; OFT, BOFT; GLoRA; full.
_FROM_ZERO = frozenset({"lora_up", "hada_w2_a", "lokr_w2", "lokr_w2_b", "oft_blocks", "a2", "b2", "diff"})

# Bytes of a float type, and the bits its exponent fills in the last byte and the one before: all set in NaN and infinity.
_FLOATS = {"F16": (2, 0x7C, 0x00), "BF16": (2, 0x7F, 0x80), "F32": (4, 0x7F, 0x80)}


def weights_problem(path: Path) -> str:
    """What is wrong with a finished LoRA file, in words; empty where it is whole, finite and has moved.

    In each kind of network some tensors start at zero: where all of those are still zero, it has learned nothing.
    """
    try:
        header = safetensors_file.read_header(path)
        with path.open("rb") as file:
            moved = [m for name, tensor in header.tensors.items() for m in _look(file, name, tensor)]
    except _Unfit as unfit:
        return str(unfit)
    except EngineError:
        return "is no whole .safetensors file"
    return "holds layers that never moved" if moved and not any(moved) else ""


class _Unfit(Exception):
    pass


def _look(file: IO[bytes], name: str, tensor: Tensor) -> Iterator[bool]:
    """Whether a tensor that starts at zero has moved; nothing for others. One at a time, for little memory."""
    if tensor.dtype not in _FLOATS:
        return
    file.seek(tensor.begin)
    raw = file.read(tensor.end - tensor.begin)
    width, last, before = _FLOATS[tensor.dtype]
    suspects = _has_all(raw[width - 1 :: width], last)
    if 1 in suspects and any(map(and_, suspects, _has_all(raw[width - 2 :: width], before))):
        raise _Unfit(f"holds values that are no numbers ({name})")
    if not _FROM_ZERO.isdisjoint(name.split(".")):
        unsigned = raw[width - 1 :: width].translate(bytes(byte & 0x7F for byte in range(256)))
        rest = (raw[place::width] for place in range(width - 1))
        yield any(part.strip(b"\0") for part in (unsigned, *rest))  # the sign of a zero is no movement


def _has_all(column: bytes, bits: int) -> bytes:
    """1 for each byte that has all these bits set, else 0. (NumPy would say it shorter, at 10 MB and 0.3 s.)"""
    return column.translate(bytes(byte & bits == bits for byte in range(256)))


def judge(lora: Path, seen: Seen, code: int | None, *, log: Path, log_from: int, config: Path) -> None:
    """Pass an attempt whose final file is whole, finite and moved, after all the steps the engine announced.

    Args:
        lora: in the attempt's own folder, where nothing stood before.
        code: the launcher's exit code; None where nobody saw it.
        log_from: where the attempt's output begins in `log`.
        config: the user's own file.

    Raises:
        TrainingFailed: with the engine's own cause where it gave one.
    """
    look = f"less {shlex.quote(str(log))}"
    found = lora.is_file()
    if (
        (code != 0 and not (code is None and found))
        or seen.no_data
        or seen.unfit
        or seen.not_finite_at is not None
    ):
        raise failure.explain(seen, code, log, log_from, config)
    if not found:
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
