"""A second name for a file, without a second copy of it wherever that can be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def give(source: Path, target: Path) -> None:
    """A hard link, which also outlives a replaced `source`; else a symbolic one (another file system, a file of
    somebody else's); else a copy."""
    real = os.path.realpath(source)
    for way in (os.link, os.symlink):
        try:
            way(real, target)
            return
        except OSError:
            continue
    shutil.copy2(real, target)
