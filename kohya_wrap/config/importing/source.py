"""What another tool's file would have run, in the engine's options, with an account of every value in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding


@dataclass(frozen=True)
class Mapped:
    """A value that was kept: `source` is its name in the file."""

    source: str
    option: str
    value: Any


@dataclass(frozen=True)
class Left:
    """A value that was not kept, and why; `option` is the engine's that it was meant for, empty where it is none."""

    source: str
    value: Any
    why: str
    option: str = ""


@dataclass(frozen=True)
class Source:
    """
    Attributes:
        kind: what the file is, in words.
        family: None where the file does not tell: the base decides.
        tells_all: an option it does not name had the engine's default; else it is simply not known.
        base: the catalogue's name of the model it names, empty where it names a file or none.
        prompts: the text of its sample prompts, empty where it has none.
        dropped: values that mean nothing without the tool that wrote them.
        lost: values that meant something and could not be kept.
        unset: fields left empty.
    """

    path: Path
    kind: str
    family: FamilyName | None
    base: str
    options: Mapping[str, Any]
    prompts: str
    mapped: tuple[Mapped, ...]
    dropped: tuple[Left, ...]
    lost: tuple[Left, ...]
    unset: tuple[str, ...]
    findings: tuple[Finding, ...]
    tells_all: bool = True

    @property
    def unknown(self) -> frozenset[str]:
        """Options that it set, to what is not known here: they had not the engine's defaults."""
        return frozenset(left.option for left in self.lost if left.option) - self.options.keys()
