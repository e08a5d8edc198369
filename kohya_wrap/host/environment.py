"""Python environments, by uv: an interpreter found or provided, a venv, packages from a lock with hashes."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kohya_wrap.errors import EngineError, MachineError
from kohya_wrap.host import tool

Say = Callable[[str], None]

_OTHER_ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME")


def uv_program() -> Path:
    """The uv of this environment, else the one on PATH."""
    try:
        import uv

        return Path(uv.find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        if found is None:
            raise EngineError(
                "There is no uv program.",
                why="kohya-wrap installs the engine's packages with uv, which came with it and is gone.",
                hint="python -m pip install uv",
            ) from None
        return Path(found)


def interpreter(versions: Sequence[str], say: Say) -> Path:
    """A Python of one of `versions` ("3.11"), best first; uv downloads one where the machine has none.

    Raises:
        EngineError: none is here and none could be downloaded.
    """
    found = find_interpreter(versions)
    if found is not None:
        return found
    say(f"downloading Python {versions[0]} (about 30 MB)")
    try:
        _uv(
            "python", "install", "--no-bin", versions[0], env={"UV_HTTP_TIMEOUT": "8", "UV_HTTP_RETRIES": "0"}
        )
    except tool.ToolFailed as error:
        raise EngineError(
            f"No Python that the engine supports is on this machine ({', '.join(sorted(versions))}).",
            why=f"uv could not download one: {_cause(error)}",
            hint=f"Install Python {versions[0]} (or {', '.join(versions[1:])}), then run this again.",
        ) from error
    found = find_interpreter(versions)
    assert found is not None
    return found


def find_interpreter(versions: Sequence[str]) -> Path | None:
    """The first of `versions` that is installed; nothing is downloaded."""
    for version in versions:
        try:
            said = _uv("python", "find", "--system", "--no-project", "--no-python-downloads", version).output
        except tool.ToolFailed:
            continue
        paths = [Path(line) for line in said.splitlines() if line.strip()]
        if paths and paths[-1].is_file():  # warnings about other interpreters come first
            return paths[-1]
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Path(sys._base_executable) if running in versions else None  # type: ignore[attr-defined]


def create(folder: Path, python: Path) -> Path:
    """A new venv in `folder`, in place of what was there. Returns its interpreter.

    Raises:
        EngineError: uv could not make it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        _uv("venv", "--no-project", "--python", python, folder)
    except tool.ToolFailed as error:
        raise EngineError(
            f"The engine's Python environment could not be made in {folder}.",
            why=_cause(error),
            hint="Check that the folder can be written, then run the same command again.",
        ) from error
    return python_of(folder)


def python_of(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def build_only(names: Sequence[str]) -> tuple[str, ...]:
    """uv's words for: wheels only, but for the packages that publish none."""
    return ("--only-binary", ":all:", *(word for name in names for word in ("--no-binary", name)))


def sync(python: Path, lock: Path, say: Say, *, from_source: Sequence[str] = ()) -> None:
    """Make the environment of `python` hold exactly what `lock` lists, each file checked against its hash.

    Args:
        from_source: packages without a wheel; what builds them is taken from the lock too.

    Raises:
        EngineError: the index is out of reach, or a hash differs. MachineError: the disk is full.
    """
    try:
        _uv("pip", "sync", "--python", python, "--require-hashes", *build_only(from_source),
            "--build-constraints", lock, lock, on_line=lambda line: _say_progress(line, say))  # fmt: skip
    except tool.ToolFailed as error:
        why = _cause(error)
        hint = "Run the same command again: what is downloaded is kept."
        if "hash mismatch" in error.outcome.output.lower():
            hint = "Nothing of it was used. See which package index answers (UV_DEFAULT_INDEX, uv.toml)."
        elif "no space left" in error.outcome.output.lower():
            raise MachineError(
                "The disk is full: the engine's packages did not fit.",
                why=why,
                hint="Free space, or set KOHYA_WRAP_HOME and UV_CACHE_DIR to a larger disk, and run the same command again.",
            ) from error
        raise EngineError("The engine's packages could not be installed.", why=why, hint=hint) from error


def cache_folder() -> Path:
    """Where uv keeps what it downloaded; packages are linked from it where both are on one file system."""
    return Path(_uv("cache", "dir").last_line)


def _say_progress(line: str, say: Say) -> None:
    """The downloads that take long, and uv's own summary lines; not the list of every package."""
    line = line.strip()
    size = re.match(r"Downloading .*\(([\d.]+)MiB\)", line)
    if line.startswith(("Prepared ", "Installed ")) or (size and float(size[1]) >= 100):
        say(line[0].lower() + line[1:])


def _uv(*words: str | Path, env: dict[str, str] | None = None, on_line: Say | None = None) -> tool.Outcome:
    program = uv_program()
    variables = {name: value for name, value in os.environ.items() if name not in _OTHER_ENVIRONMENTS}
    # cwd: no uv.toml or pyproject.toml of the user's project has a say; their own settings (mirrors) do.
    return tool.run([program, *words], cwd=Path(program.anchor), env=variables | (env or {}), on_line=on_line)


def _cause(error: tool.ToolFailed) -> str:
    """uv prints a chain, the root cause last; hints come after."""
    lines = [line.strip(" │├╰─▶×") for line in error.outcome.output.splitlines() if line.strip(" │├╰─▶×")]
    causes = [line for line in lines if line.lower().startswith(("caused by:", "error:"))]
    last = causes[-1] if causes else error.outcome.last_line
    return last.split(": ", 1)[-1] if last.lower().startswith(("caused by:", "error:")) else last
