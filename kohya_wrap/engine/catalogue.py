"""The bases kohya-wrap knows by name: presets/bases/*.toml; a test holds every file to its types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import toml

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.plain import build


@dataclass(frozen=True, kw_only=True)
class Licence:
    name: str
    summary: str
    url: str

    @property
    def line(self) -> str:
        return f"{self.name}: {self.summary} ({self.url})"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Another repository with the same bytes; `filename` where it is called otherwise there."""

    repo: str
    revision: str
    filename: str = ""


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    repo: str
    revision: str
    filename: str
    bytes: int
    sha256: str
    saved_as: str = ""  # where the repository's own name says too little
    aliases: tuple[str, ...] = ()  # other names people's configs call it by
    mirrors: tuple[Mirror, ...] = ()
    gated: bool = False

    @property
    def local_name(self) -> str:
        return self.saved_as or Path(self.filename).name

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """(repository, file, revision), the main one first."""
        others = ((m.repo, m.filename or self.filename, m.revision) for m in self.mirrors)
        return (self.repo, self.filename, self.revision), *others


@dataclass(frozen=True, kw_only=True)
class BaseOptions:
    """Options of the engine that belong to the base and not to a subject: how it was trained."""

    v_parameterization: bool = False
    zero_terminal_snr: bool = False


@dataclass(frozen=True, kw_only=True)
class Base:
    name: str
    family: FamilyName
    title: str
    licence: Licence
    default: str
    files: dict[str, WeightsFile]
    options: BaseOptions = BaseOptions()
    vae: WeightsFile | None = None


@dataclass(frozen=True)
class Catalogue:
    bases: Mapping[str, Base]


@cache
def load(folder: Path) -> Catalogue:
    """Read presets/bases/*.toml; `vae = "sdxl"` there means the VAE of sdxl.toml."""
    read = {path.stem: toml.load(path) for path in sorted((folder / "bases").glob("*.toml"))}
    for data in read.values():
        if isinstance(data.get("vae"), str):
            data["vae"] = read[data["vae"]]["vae"]
    return Catalogue({name: build(Base, data) for name, data in read.items()})
