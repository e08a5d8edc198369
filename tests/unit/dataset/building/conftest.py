"""A concept to build, in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import Built, Choices, Place

Build = Callable[..., Built]


def place(tmp_path: Path, concept: str = "cat") -> Place:
    """Of the concept, as it stands now."""
    data = tmp_path / "data"
    own = next(data.glob(f"[0-9]*_{concept}"), None)
    return Place(concept, data, own, tmp_path / "held_out" / concept, tmp_path / f"built/{concept}.json")


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """build(tmp_path / "in", trigger="sks"): the choices by their names; from "in" where nothing is named."""

    def make(
        *sources: Path | str,
        concept: str = "cat",
        number: int = 10,
        skip_broken: bool = False,
        **choices: Any,
    ) -> Built:
        given = tuple(str(tmp_path / source) for source in sources or ("in",))
        return building.build(
            place(tmp_path, concept),
            Choices(sources=given, **choices),
            lambda count: number,
            skip_broken=skip_broken,
        )

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is built, as long as it is repeated ten times."""
    return tmp_path / "data/10_cat"


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}
