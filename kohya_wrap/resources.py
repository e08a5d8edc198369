"""Where the data that ships with the package lies: templates/, presets/, the pin and the lock."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """In a wheel the folder lies inside the package; in a checkout or an editable install, beside it."""
    in_wheel = _PACKAGE / "_data" / name
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / name


def templates() -> Path:
    return _shipped("templates")


def presets() -> Path:
    return _shipped("presets")


def pin_file() -> Path:
    return _PACKAGE / "engine" / "pin.toml"


def lock_file() -> Path:
    """The engine's environment: versions and hashes, no addresses."""
    return _PACKAGE / "engine" / "lock.txt"


def inside(script: str) -> Path:
    """A script that only the engine's own interpreter runs."""
    return _PACKAGE / "engine" / "inside" / script


def rehearsal_source() -> Path:
    """The folder that plays the engine's checkout for the rehearsal."""
    return _PACKAGE / "rehearsal"


def vendored_engine() -> Path:
    """The git submodule of a checkout; absent in a wheel."""
    return _PACKAGE.parent / "vendor" / "sd-scripts"
