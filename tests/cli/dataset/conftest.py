"""A small project with captions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A megabyte of it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be had by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
