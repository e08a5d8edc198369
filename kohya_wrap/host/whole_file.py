"""A file read whole: not what never ends, nor what no memory holds."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

# As many bytes as the most pixels that Pillow opens have at three each: a picture that is larger is none.
LARGEST = 1 << 29


def read(path: Path) -> bytes:
    """Raises OSError: as opening it does; a folder, a pipe, a socket or a device; more than LARGEST bytes."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for, without an end
        raise OSError(errno.EINVAL, "it is no file but a pipe, a socket or a device", str(path))
    if wrong := too_large(found.st_size):
        raise OSError(errno.EFBIG, wrong, str(path))
    return path.read_bytes()


def too_large(size: int) -> str:
    """What is wrong with that many bytes; empty where nothing is."""
    return f"it has {size / 1e9:.1f} GB, more than any picture" if size > LARGEST else ""
