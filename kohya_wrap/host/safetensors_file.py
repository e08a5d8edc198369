"""A .safetensors file's header: names, shapes, types and metadata, with no tensor loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.errors import EngineError


@dataclass(frozen=True)
class Tensor:
    dtype: str  # as the format spells it: "F16", "BF16", "I64"
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read and check the header against the file's length.

    Raises:
        EngineError: cut short, not a .safetensors file, or not readable.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            tensors = {name: Tensor(s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}
            return Header(tensors, file.metadata() or {})
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read: {error.strerror or error}.",
            why="It is missing, a folder, or not yours to read.",
            hint="Check the path and its permissions.",
        ) from None
    except SafetensorError as error:
        raise EngineError(
            f"{path} is not a whole .safetensors file ({error}).",
            why="Its download or copy was cut short, or it is another kind of file under this name.",
            hint="Fetch it again, or name another file.",
        ) from None
