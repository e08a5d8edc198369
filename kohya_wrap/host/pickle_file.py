"""The names inside a PyTorch .ckpt file, read without running what a pickle can run."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.errors import EngineError


def names(path: Path) -> frozenset[str]:
    """Every text in the pickle's instructions, tensor names among them.

    Raises:
        EngineError: not PyTorch's zip format (since 1.6), the only one that can be read so.
    """
    import pickletools  # both take a while to load, and hardly anybody has such a file
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            pickle = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            return frozenset(
                arg for _, arg, _ in pickletools.genops(archive.read(pickle)) if isinstance(arg, str)
            )
    except (zipfile.BadZipFile, StopIteration, ValueError):
        raise EngineError(
            f"What kind of model {path} is cannot be told without running it.",
            why="It is older than PyTorch's zip format, cut short, or no PyTorch file.",
            hint="Take the .safetensors file of the same model.",
        ) from None
