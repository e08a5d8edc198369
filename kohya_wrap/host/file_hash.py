"""What a file holds, as one number: also of one that is larger than the memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20  # bytes at a time


def sha256(path: Path) -> str:
    """In hexadecimal. Raises OSError: it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
