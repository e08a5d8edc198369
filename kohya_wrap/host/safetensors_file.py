"""A .safetensors file's header: names, shapes, types, places and metadata, with no tensor loaded.

The format, in one sentence: eight bytes of length (little-endian), a JSON object of that length, the tensors' bytes.
The safetensors package reads it too, at the price of NumPy: 0.2 s and 25 MB in every `run`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.errors import EngineError
from kohya_wrap.host import atomic

_LARGEST_HEADER = 100_000_000  # bytes; the format's own limit


@dataclass(frozen=True)
class Tensor:
    dtype: str  # as the format spells it: "F16", "BF16", "I64"
    shape: tuple[int, ...]
    begin: int  # where its bytes start in the file
    end: int


@dataclass(frozen=True)
class Header:
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read and check the header against the file's length.

    Raises:
        EngineError: cut short, not a .safetensors file, or not readable.
    """
    try:
        return _header(path)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read: {error.strerror or error}.",
            why="It is missing, a folder, or not yours to read.",
            hint="Check the path and its permissions.",
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        said = f" ({error})" if isinstance(error, _Cut) else ""
        raise EngineError(
            f"{path} is not a whole .safetensors file{said}.",
            why="Its download or copy was cut short, or it is another kind of file under this name.",
            hint="Fetch it again, or name another file.",
        ) from None


def copy_with_metadata(source: Path, target: Path, changed: Mapping[str, str]) -> None:
    """A copy of the file with these values in its metadata, whole or not at all; its tensors are the same bytes.

    Raises:
        EngineError: as read_header. OSError: no room, no rights.
    """
    read_header(source)
    part = atomic.part_of(target)
    with atomic.half_removed(part), atomic.named(target), source.open("rb") as old, part.open("wb") as new:
        entries = json.loads(old.read(int.from_bytes(old.read(8), "little")))
        entries["__metadata__"] = {**entries.get("__metadata__", {}), **changed}
        header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)  # the tensors begin at a multiple of eight bytes
        new.write(len(header).to_bytes(8, "little") + header)
        shutil.copyfileobj(old, new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())
    part.replace(target)


class _Cut(ValueError):
    pass


def _header(path: Path) -> Header:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        if start > min(size, _LARGEST_HEADER):
            raise _Cut(f"{size} bytes, and its header alone asks for {start}")
        entries = json.loads(file.read(start - 8))
    metadata = entries.pop("__metadata__", {})
    tensors = {name: _tensor(entry, start) for name, entry in entries.items()}
    end = max((tensor.end for tensor in tensors.values()), default=start)
    if end != size:
        raise _Cut(f"{size} bytes where its header names {end}")
    return Header(tensors, metadata)


def _tensor(entry: Mapping[str, Any], start: int) -> Tensor:
    begin, end = map(int, entry["data_offsets"])
    if not 0 <= begin <= end:
        raise _Cut(f"a tensor from byte {begin} to {end}")
    return Tensor(str(entry["dtype"]), tuple(map(int, entry["shape"])), start + begin, start + end)
