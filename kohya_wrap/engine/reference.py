"""What `--base` and the config's model path may say, as values."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.engine.catalogue import Base, Catalogue, WeightsFile
from kohya_wrap.errors import UsageError

ELSEWHERE = ("hf:", "civitai:")
_MODEL_FILE = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_HUB = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^@]+?)(?:@(?P<revision>[^@\s]+))?")
_CIVITAI = re.compile(r"civitai:(\d+)")


@dataclass(frozen=True)
class Catalogued:
    """A base of the catalogue in one of its files: `sdxl`, `sd15:full`."""

    base: Base
    file: WeightsFile


@dataclass(frozen=True)
class Local:
    """A file, or a folder in the diffusers layout."""

    path: Path


@dataclass(frozen=True)
class OnHub:
    """`hf:owner/repo/path/file.safetensors[@revision]`"""

    repo: str
    filename: str
    revision: str


@dataclass(frozen=True)
class OnCivitai:
    """`civitai:<model version id>`"""

    version: int


Reference = Catalogued | Local | OnHub | OnCivitai


def parse(base: str, catalogue: Catalogue, start: Path | None = None) -> Reference:
    """What `base` means. A relative path starts at `start`, else at the current folder.

    Raises:
        UsageError: neither a known base nor any of the other forms.
    """
    if found := _HUB.fullmatch(base):
        return OnHub(found["repo"], found["file"], found["revision"] or "main")
    if found := _CIVITAI.fullmatch(base):
        return OnCivitai(int(found[1]))
    if base.startswith(ELSEWHERE):
        raise UsageError(
            f"`{base}` is not complete.",
            why="The forms are hf:owner/repo/file.safetensors[@revision] and civitai:<number>.",
            hint="The number is the one after modelVersionId= in the page's address.",
        )
    if base.lower().startswith(("http:", "https:")):
        raise UsageError(
            f"`{base}` is an address: kohya-wrap takes none.",
            why="Behind a page's address is mostly no file, and nothing to verify one by.",
            hint="Write hf:owner/repo/file.safetensors or civitai:<version id>, or download the file and name its path.",
        )
    name, _, variant = base.lower().partition(":")
    known = catalogue.bases.get(name)
    if known is not None and (variant or known.default) in known.files:
        return Catalogued(known, known.files[variant or known.default])
    path = (start or Path()) / Path(base).expanduser()
    if path.exists() or base.endswith(_MODEL_FILE) or "/" in base or "\\" in base:
        return Local(path.absolute())
    raise _unknown(base, name, known, catalogue)


def _unknown(base: str, name: str, known: Base | None, catalogue: Catalogue) -> UsageError:
    if known is not None:
        return UsageError(
            f"`{base}`: {known.title} has no file of that name.",
            why=f"It has {', '.join(known.files)}.",
            hint=f"Write {known.name} or {known.name}:{next(iter(known.files))}.",
        )
    close = difflib.get_close_matches(name, list(catalogue.bases), n=2, cutoff=0.5)
    return UsageError(
        f"`{base}` is no base model that kohya-wrap knows, and no file.",
        why=f"Known are {', '.join(catalogue.bases)}.",
        hint=f"Did you mean {' or '.join(close)}?"
        if close
        else "Or name a file, hf:owner/repo/file.safetensors or civitai:<version id>.",
    )


def named_like(filename: str, catalogue: Catalogue) -> Catalogued | None:
    """The catalogue's file that people call so: what a config's missing model file stands for."""
    wanted = re.split(r"[/\\]", filename)[-1].lower()
    for base in catalogue.bases.values():
        for file in base.files.values():
            if wanted in (n.lower() for n in (file.local_name, Path(file.filename).name, *file.aliases)):
                return Catalogued(base, file)
    return None
