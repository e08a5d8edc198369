"""Whether a state can be gone on from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from kohya_wrap.domain.events import StateKept
from kohya_wrap.training import states

ZIPPED = ("optimizer.bin", "scheduler.bin", "random_states_0.pkl")


def state(folder: Path, up: float = 0.0) -> Path:
    """As the engine leaves one; in a state of the first steps a LoRA need not have moved."""
    folder.mkdir()
    (folder / "train_state.json").write_text('{"current_epoch": 1, "current_step": 5}')
    save_file({"a.lora_up.weight": np.full((4, 2), up, "float32")}, folder / "model.safetensors")
    for name in ZIPPED:
        with zipfile.ZipFile(folder / name, "w") as file:
            file.writestr("data", b"0123456789" * 100)
    return folder


def test_a_whole_one(tmp_path: Path) -> None:
    assert states.problem(state(tmp_path / "s")) == ""


@pytest.mark.parametrize("name", [*ZIPPED, "train_state.json", "model.safetensors"])
def test_one_that_lacks_a_file_or_is_cut_short(tmp_path: Path, name: str) -> None:
    lacking, cut = state(tmp_path / "lacking"), state(tmp_path / "cut")
    (lacking / name).unlink()
    (cut / name).write_bytes((cut / name).read_bytes()[:-3])
    assert states.problem(lacking) and states.problem(cut)


@pytest.mark.parametrize("name", ZIPPED)
def test_a_byte_that_is_another(tmp_path: Path, name: str) -> None:
    damaged = state(tmp_path / "s")
    content = bytearray((damaged / name).read_bytes())
    content[200] ^= 1
    (damaged / name).write_bytes(content)
    assert f"has a damaged {name}" in states.problem(damaged)


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    assert "no numbers" in states.problem(state(tmp_path / "s", float("nan")))


def test_the_newest_whole_one_and_what_is_removed(tmp_path: Path) -> None:
    kept = [StateKept(str(state(tmp_path / f"s{epoch}")), epoch, epoch * 5) for epoch in range(1, 5)]
    (tmp_path / "s4" / "optimizer.bin").unlink()
    newest, damaged = states.newest_whole(kept)
    assert newest == kept[2]
    assert [(one.epoch, why) for one, why in damaged] == [(4, "lacks optimizer.bin")]
    states.prune(kept)
    assert sorted(path.name for path in tmp_path.glob("s?")) == ["s3", "s4"]
    assert [why for _, why in states.newest_whole(kept[:3])[1]] == [], "the others were removed in their turn"
    assert states.newest_whole(kept[:2]) == (None, ((kept[1], "is gone"), (kept[0], "is gone")))
