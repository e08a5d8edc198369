"""One pin: the submodule, the lock and what the code reads are the same engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.engine import pin as pins

PROJECT = resources.vendored_engine().parent.parent


@pytest.mark.skipif(
    shutil.which("git") is None or not (PROJECT / ".git").exists(), reason="not a git checkout"
)
def test_the_submodule_stands_at_the_pin() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-s", "vendor/sd-scripts"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split()[:2] == ["160000", pins.load().commit]
    modules = (PROJECT / ".gitmodules").read_text(encoding="utf-8")
    assert re.findall(r"^\s*(path|url) = (.+)$", modules, re.MULTILINE) == [
        ("path", "vendor/sd-scripts"),
        ("url", pins.load().url),
    ]


def entries(lock: Path) -> dict[str, str]:
    text = lock.read_text(encoding="utf-8")
    parts = re.split(r"^(?=[a-z0-9_.-]+==)", text, flags=re.MULTILINE)[1:]
    return {part.split("==")[0]: part for part in parts}


def test_the_lock_is_for_the_pin_and_every_file_in_it_has_a_hash_and_no_address() -> None:
    text = resources.lock_file().read_text(encoding="utf-8")
    assert pins.load().commit in text.splitlines()[0]
    assert "://" not in text
    assert all(
        re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries(resources.lock_file()).values()
    )


@pytest.mark.parametrize(
    "line",
    [
        "torch==2.8.0 ",
        "torchvision==0.23.0 ",
        "xformers==0.0.32.post2 ",
        "accelerate==1.6.0 ",
        "transformers==4.54.1 ",
        "open-clip-torch==3.3.0 ",
        "lycoris-lora==3.4.0 ",
    ],
)
def test_the_lock_holds_the_versions_that_the_engine_was_seen_to_work_with(line: str) -> None:
    assert any(entry.startswith(line) for entry in entries(resources.lock_file()).values())


def test_what_the_engine_leaves_open_and_what_builds_from_source_is_locked_too() -> None:
    listed = entries(resources.lock_file())
    assert {"numpy", "bitsandbytes", "tensorboard", "setuptools", "wheel", *pins.load().from_source} <= set(
        listed
    )
