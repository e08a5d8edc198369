"""The engine's Python environment: found complete, or built from the lock."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine import disk
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.pin import Pin
from kohya_wrap.errors import EngineError
from kohya_wrap.host import atomic, environment, tool
from kohya_wrap.host import lock as locks
from kohya_wrap.places import Places

OLDEST_TORCH = (2, 6)
# Bytes on disk, measured on Linux x86_64, with a little room.
NEEDED = 8_300_000_000
NEEDED_BESIDE_TORCH = 1_500_000_000
# What `demo --engine real` says before it starts: packages 4.0 GB, installed 7.9 GB, and its base of random weights.
COST = "4 GB to download, 10 GB of disk, a few minutes"

Say = Callable[[str], None]

_TORCH_FAMILY = re.compile(r"(torch|torchvision|xformers|triton|nvidia-[\w-]+)==")
_OWNER = """
import json, site, sys
from importlib.metadata import version
at = "%d.%d" % sys.version_info[:2]
version("torchvision")  # raises where it is missing
print(json.dumps([at, version("torch"), sys.executable, site.getsitepackages()]))
"""


@dataclass(frozen=True)
class Environment:
    """The interpreter that runs the engine."""

    python: Path


@dataclass(frozen=True)
class InheritedTorch:
    """The torch of an image's own interpreter, and the folders it is imported from."""

    version: str
    python: Path
    folders: tuple[str, ...]


def find(pin: Pin, places: Places) -> Environment | None:
    """The complete environment of this lock, else None."""
    python = environment.python_of(_folder(pin, places))
    done = _marker(pin, places)
    if done.is_file() and python.is_file() and done.read_text(encoding="utf-8").split()[:1] == [_lock_hash()]:
        return Environment(python)
    return None


def bytes_needed(where: Path, *, reuse_torch: bool) -> int:
    """Free bytes that `ensure` asks for at `where`: less what a run that was cut off left in uv's cache."""
    needed = NEEDED_BESIDE_TORCH if reuse_torch else NEEDED
    if atomic.free_bytes(where) >= needed:
        return needed
    held = sum(file.stat().st_size for file in environment.cache_folder().rglob("*") if file.is_file())
    return max(0, needed - held)


def ensure(
    pin: Pin, checkout: Checkout, places: Places, say: Say, *, reuse_torch: bool = False
) -> Environment:
    """The environment, built where it is not complete: hash-checked install, then an import of the scripts.

    A venv holds its own path, so it is built in place; it counts as complete by the marker written last, and
    one that was cut off is built anew (in seconds, since uv keeps whole downloads).

    Raises:
        EngineError: no interpreter, no index, a wrong hash, or an import that fails.
        MachineError: the disk is too small.
    """
    folder = _folder(pin, places)
    with locks.hold(folder):
        found = find(pin, places)
        if found is not None:
            return found
        inherited = _find_torch(pin) if reuse_torch else None
        for where in (folder, environment.cache_folder()):
            disk.require_free(where, bytes_needed(where, reuse_torch=reuse_torch), "the engine's environment")
        python = _venv(pin, places, inherited, say)
        how = f"on the torch {inherited.version} here" if inherited else "(4 GB to download, 8 GB on disk)"
        say(f"installing the engine's packages {how}")
        listed = _beside(folder, inherited) if inherited else resources.lock_file()
        environment.sync(python, listed, say, from_source=pin.from_source)
        say("checking that the engine imports")
        _check_imports(pin, python, checkout)
        atomic.write_text(_marker(pin, places), f"{_lock_hash()} {_kind(inherited)}\n")
    return Environment(python)


def _folder(pin: Pin, places: Places) -> Path:
    return places.engine(pin.commit) / "venv"


def _marker(pin: Pin, places: Places) -> Path:
    return _folder(pin, places) / "kohya-wrap-complete"


def _lock_hash() -> str:
    return hashlib.sha256(resources.lock_file().read_bytes()).hexdigest()


def _kind(inherited: InheritedTorch | None) -> str:
    return f"torch-{inherited.version}" if inherited else "own-torch"


def _venv(pin: Pin, places: Places, inherited: InheritedTorch | None, say: Say) -> Path:
    """An empty venv, or one that another lock completed: a package cut off by a kill looks installed."""
    folder, done = _folder(pin, places), _marker(pin, places)
    kept = done.is_file() and done.read_text(encoding="utf-8").split()[1:] == [_kind(inherited)]
    done.unlink(missing_ok=True)
    python = environment.python_of(folder)
    if not (kept and python.is_file()):
        base = inherited.python if inherited else environment.interpreter(pin.python, say)
        python = environment.create(folder, base)
    if inherited:
        purelib = next(folder.glob("lib/python*/site-packages"))
        lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in inherited.folders)
        (purelib / "_inherited_torch.pth").write_text(lines, encoding="utf-8")
    return python


def _beside(folder: Path, inherited: InheritedTorch) -> Path:
    """The lock without the torch family: every version is exact, so nothing in it can replace that torch."""
    text = resources.lock_file().read_text(encoding="utf-8")
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)
    listed = folder / f"lock-beside-{_kind(inherited)}.txt"
    listed.write_text("".join(entry for entry in entries if not _TORCH_FAMILY.match(entry)), encoding="utf-8")
    return listed


def _find_torch(pin: Pin) -> InheritedTorch:
    """The torch of the image: of `python` on PATH, or where Vast.ai's images have it."""
    # Not ours: an activated environment of kohya-wrap stands first on PATH, before the image's own.
    others = [folder for folder in os.get_exec_path() if not Path(folder).is_relative_to(sys.prefix)]
    for name in ("python", "python3", "/venv/main/bin/python"):
        program = shutil.which(name, path=os.pathsep.join(others))
        if program is None:
            continue
        try:
            said = tool.run([program, "-c", _OWNER], timeout=60).last_line
        except tool.ToolFailed:
            continue  # it has no torch, or no torchvision
        python_version, torch, owner, folders = json.loads(said)
        if python_version in pin.python and tuple(map(int, torch.split(".")[:2])) >= OLDEST_TORCH:
            return InheritedTorch(torch, Path(owner), tuple(folders))
    oldest = ".".join(map(str, OLDEST_TORCH))
    raise EngineError(
        "No torch that the engine can use is on this machine.",
        why=f"None on PATH is Python {', '.join(sorted(pin.python))} with torchvision and torch >= {oldest}.",
        hint="Leave --reuse-torch out: the engine's own torch is installed then.",
    )


def _check_imports(pin: Pin, python: Path, checkout: Checkout) -> None:
    try:
        tool.run([python, "-I", resources.inside("probe.py"), checkout.source, *pin.imports])
    except tool.ToolFailed as error:
        raise EngineError(
            "The engine's environment was installed but the engine cannot be imported in it.",
            why=_first_failure(error.outcome.last_line),
            hint="Run the same command again, without --reuse-torch if it was there.",
        ) from error


def _first_failure(line: str) -> str:
    try:
        failures = json.loads(line)
    except ValueError:
        return line
    return next((f"import {name}: {reason}" for name, reason in failures.items() if reason), line)
