"""presets/memory.toml: what a step was counted to need and to compute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import toml

from kohya_wrap.domain import memory
from kohya_wrap.domain.memory import Load
from kohya_wrap.domain.plain import build
from kohya_wrap.domain.speed import Work


@dataclass(frozen=True, kw_only=True)
class Model(memory.Model):
    work: tuple[Work, ...]

    def work_of(self, load: Load) -> Work:
        kind = (load.family, load.attention, load.checkpointed)
        return next(one for one in self.work if (one.family, one.attention, one.checkpointed) == kind)


@cache
def load(folder: Path) -> Model:
    return build(Model, toml.load(folder / "memory.toml"))
