"""The guide's config alone in a folder: no images, no base model, no GPU."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import projects


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    return Path(shutil.copy(projects.GUIDE, tmp_path / "training_config.toml"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """write('seed = 1'): a training_config.toml with that text."""

    def config(text: str) -> Path:
        path = tmp_path / "training_config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return config
