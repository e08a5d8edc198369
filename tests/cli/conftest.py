"""A shell, eight photographs with captions, and a project made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.places import Places
from tests.fixtures import photographs as real
from tests.fixtures import projects, small_engine
from tests.fixtures.shell import Answer, Shell
from tests.fixtures.small_engine import SmallEngine

NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0"}


@pytest.fixture
def shell(tmp_path: Path, own_home: Path) -> Shell:
    """On a machine without a GPU."""
    return Shell(tmp_path, NO_GPU)


@pytest.fixture
def places(own_home: Path) -> Places:
    return Places(own_home / "kohya-wrap")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    assert len(real.write(folder, 8)) == 8
    return folder


@pytest.fixture
def guide(tmp_path: Path, photographs: Path) -> Path:
    """The guide's config, in a folder of the guide's layout."""
    return projects.guide(tmp_path / "my-lora", photographs)


@pytest.fixture(scope="session")
def guide_run(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> tuple[Path, Answer]:
    """A run of the guide's config as printed, for those who only look: the config's path, and what was said."""
    folder = tmp_path_factory.mktemp("guide")
    config = projects.guide(folder / "my-lora", photographs)
    elsewhere = {"HOME": str(folder), "KOHYA_WRAP_HOME": str(folder / "kohya-wrap")}
    return config, Shell(folder, {**NO_GPU, **elsewhere})("run", config, "--engine", "rehearsal")


@pytest.fixture
def engine(tmp_path: Path) -> SmallEngine:
    return small_engine.make(tmp_path / "small")


@pytest.fixture
def small(shell: Shell, engine: SmallEngine) -> Shell:
    """The shell where `kohya-wrap` can fetch an engine, if a tiny one."""
    return Shell(shell.cwd, {**shell.variables, **engine.variables}, small_engine.CLI)
