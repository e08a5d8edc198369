"""A project of two pictures, and what `run` finds out about it before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kohya_wrap import resources
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.host import gpu
from kohya_wrap.places import Places
from kohya_wrap.workflow import prepare
from kohya_wrap.workflow.prepare import Job, JobRequest

Prepared = Callable[..., Job]
RTX_3090 = Gpu("GPU-3090", "NVIDIA GeForce RTX 3090", 24 << 30, (8, 6))
T4 = Gpu("GPU-7", "Tesla T4", 16 << 30, (7, 5))


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Gpu]:
    """What the driver reports; a test puts its cards into it."""
    found: list[Gpu] = []
    monkeypatch.setattr(gpu, "gpus", lambda: tuple(found))
    return found


@pytest.fixture
def places(own_home: Path) -> Places:
    return Places(own_home / "kohya-wrap")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty pictures with captions, not yet in a project."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(20):
        Image.new("RGB", (640, 512), (number, 0, 0)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("a cat", encoding="utf-8")
    return folder


@pytest.fixture
def prepared(tmp_path: Path, places: Places, cards: list[Gpu], monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """prepared('seed = 1', env={...}, gpu="cpu"): the job of a config with that text."""
    monkeypatch.setattr(resources, "vendored_engine", lambda: tmp_path / "no-submodule")
    project = tmp_path / "my-lora"
    for number in range(2):
        path = project / "training_data" / "10_concept" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64)).save(path)
        path.with_suffix(".txt").write_text("a cat", encoding="utf-8")

    def run(text: str = "", *, env: dict[str, str] | None = None, **asked: Any) -> Job:
        config = project / "training_config.toml"
        config.write_text(text, encoding="utf-8")
        return prepare.prepare(JobRequest(config, **asked), places, env or {})

    return run
