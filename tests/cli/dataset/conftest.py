"""A small project with captions."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

SMALL = '[dataset]\ntrain_data_dir = "./training_data"\nresolution = "512,512"\n[kohya_wrap]\nbase = "sd15"\ntrigger = "sks"\n'


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """Three pictures; `a` and `b` have captions."""
    folder = tmp_path / "my-lora" / "training_data" / "10_cat"
    folder.mkdir(parents=True)
    for name, size in {"a": (600, 400), "b": (512, 512), "c": (400, 700)}.items():
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / f"{name}.png")
    (folder / "a.txt").write_text("sks, a cat\n", encoding="utf-8")
    (folder / "b.txt").write_text("sks, a dog", encoding="utf-8")
    (tmp_path / "my-lora" / "training_config.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path / "my-lora"
