"""A base of random weights in the real SD 1.5 architecture, to try the real engine without a download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine import disk
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.errors import EngineError
from kohya_wrap.host import lock, tool
from kohya_wrap.places import Places

BYTES = 2_132_625_000
_SEED = 1


def file(places: Places) -> Path:
    """Where it lies, or will."""
    return places.demo / "random-sd15.safetensors"


def ensure(python: Path, checkout: Checkout, places: Places, say: Callable[[str], None]) -> Path:
    """The file, made once by the engine's interpreter `python` and kept; the same seed each time.

    Raises:
        MachineError: the disk is too small.
        EngineError: it could not be made (too little memory: 5 GB are needed).
    """
    made = file(places)
    with lock.hold(made, say):
        if made.is_file():
            return made
        disk.require_free(places.demo, BYTES, "a random-weight base")
        say(f"making a random-weight SD 1.5 base ({BYTES / 1e9:.1f} GB)")
        part = made.with_name(f".{made.name}.part")
        try:
            tool.run([python, "-I", resources.inside("random_base.py"), checkout.source, part, str(_SEED)])
        except tool.ToolFailed as error:
            part.unlink(missing_ok=True)
            killed = error.outcome.returncode < 0
            raise EngineError(
                "The random-weight base could not be made.",
                why="The system ended it: it needs 5 GB of memory." if killed else error.outcome.last_line,
                hint="Close what uses memory and run the same command again.",
            ) from error
        part.replace(made)
    return made
