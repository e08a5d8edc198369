"""Tokenizers and random-weight base: made by the engine's interpreter (a stand-in), whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.engine import random_base, tokenizers
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.errors import EngineError, MachineError
from kohya_wrap.host import atomic
from kohya_wrap.places import Places

MAKES_TOKENIZERS = f"""shift 2; folder=$1; shift
for name in "$@"; do mkdir -p $folder/$name; (cd $folder/$name; touch {" ".join(tokenizers.FILES)}); done"""
MAKES_A_BASE = "echo weights >$4"
FAILS = "echo begun >${4:-$3}; echo 'ModuleNotFoundError: No module named open_clip' >&2; exit 1"


@pytest.fixture
def source(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, "0" * 40)


def interpreter(tmp_path: Path, script: str) -> Path:
    """Called as `PYTHON -I SCRIPT ...`."""
    file = tmp_path / "python"
    file.write_text(f"#!/usr/bin/env bash\necho ran >>{tmp_path}/ran\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def test_tokenizers_are_made_once_under_the_engine_s_names(tmp_path: Path, places: Places) -> None:
    python = interpreter(tmp_path, MAKES_TOKENIZERS)
    assert tokenizers.find(places) is None
    folder = tokenizers.ensure(python, places, print)
    assert (folder / "openai_clip-vit-large-patch14" / "vocab.json").is_file()
    assert (folder / "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k" / "merges.txt").is_file()
    assert tokenizers.ensure(python, places, pytest.fail) == folder == tokenizers.find(places)
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "ran\n"


def test_tokenizers_that_lost_a_file_are_made_again(tmp_path: Path, places: Places) -> None:
    python = interpreter(tmp_path, MAKES_TOKENIZERS)
    lost = tokenizers.ensure(python, places, print) / tokenizers.NAMES[1] / "merges.txt"
    lost.unlink()
    assert tokenizers.find(places) is None
    tokenizers.ensure(python, places, print)
    assert lost.is_file()


def test_tokenizers_that_fail_leave_nothing(tmp_path: Path, places: Places) -> None:
    with pytest.raises(EngineError) as caught:
        tokenizers.ensure(interpreter(tmp_path, "mkdir -p $3/half; exit 1"), places, print)
    assert caught.value.message == "The tokenizers could not be made."
    assert not places.tokenizers.exists()


def test_the_base_is_made_once(tmp_path: Path, source: Checkout, places: Places) -> None:
    python = interpreter(tmp_path, MAKES_A_BASE)
    assert not random_base.file(places).exists()
    file = random_base.ensure(python, source, places, print)
    assert file.read_text(encoding="utf-8") == "weights\n"
    assert file.suffix == ".safetensors"
    assert random_base.ensure(python, source, places, pytest.fail) == file == random_base.file(places)


@pytest.mark.parametrize(
    ("script", "why"),
    [(FAILS, "No module named open_clip"), ("echo begun >$4; kill -9 $$", "5 GB of memory")],
)
def test_a_base_that_fails_leaves_nothing_and_says_why(
    tmp_path: Path, source: Checkout, places: Places, script: str, why: str
) -> None:
    with pytest.raises(EngineError) as caught:
        random_base.ensure(interpreter(tmp_path, script), source, places, print)
    assert why in caught.value.why
    assert [p.suffix for p in places.demo.iterdir()] == [".lock"]


def test_a_base_that_does_not_fit_is_not_begun(
    tmp_path: Path, source: Checkout, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 10**9)
    with pytest.raises(MachineError, match="random-weight base"):
        random_base.ensure(interpreter(tmp_path, MAKES_A_BASE), source, places, print)
    assert not (tmp_path / "ran").exists()
