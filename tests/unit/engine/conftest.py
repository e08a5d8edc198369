"""An engine in miniature: a repository whose script imports one tiny package, and a lock that lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.engine.pin import Pin
from kohya_wrap.places import Places
from tests.fixtures import upstream
from tests.fixtures.upstream import Upstream


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "shared")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """No submodule here, whatever the checkout that runs the tests has."""
    monkeypatch.setattr(resources, "vendored_engine", lambda: tmp_path / "no-submodule")
    files = {"train_network.py": "import tiny\n", "docs/big.md": "much\n"}
    return upstream.repository(tmp_path / "outside", files)


@pytest.fixture
def pin(repository: Upstream) -> Pin:
    return Pin(
        url=repository.url,
        commit=repository.commit,
        described="two",
        leave_out=("docs/",),
        python=(upstream.PYTHON,),
        from_source=(),
        imports=("train_network",),
    )


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only index there is."""
    folder = tmp_path / "wheels"
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def lock(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for engine/lock.txt; a test may write it anew."""
    file = tmp_path / "lock.txt"
    file.write_text("# Written for a test\n" + upstream.wheel(wheels, "tiny", "1.0"), encoding="utf-8")
    monkeypatch.setattr(resources, "lock_file", lambda: file)
    return file
