"""The bases kohya-wrap knows by name: presets/bases/*.toml, checked at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import toml
from pydantic import BaseModel, ConfigDict, Field

from kohya_wrap.domain.family import FamilyName


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(_Data):
    name: str
    summary: str
    url: str

    @property
    def line(self) -> str:
        return f"{self.name}: {self.summary} ({self.url})"


class Mirror(_Data):
    """Another repository with the same bytes; `filename` where it is called otherwise there."""

    repo: str
    revision: str
    filename: str = ""


class WeightsFile(_Data):
    repo: str
    revision: str
    filename: str
    bytes: int = Field(gt=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
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


class Base(_Data):
    name: str
    family: FamilyName
    title: str
    licence: Licence
    default: str
    files: dict[str, WeightsFile]
    vae: WeightsFile | None = None


@dataclass(frozen=True)
class Catalogue:
    bases: Mapping[str, Base]


def load(folder: Path) -> Catalogue:
    """Read presets/bases/*.toml; `vae = "sdxl"` there means the VAE of sdxl.toml."""
    read = {path.stem: toml.load(path) for path in sorted((folder / "bases").glob("*.toml"))}
    for data in read.values():
        if isinstance(data.get("vae"), str):
            data["vae"] = read[data["vae"]]["vae"]
    return Catalogue({name: Base.model_validate(data) for name, data in read.items()})
