"""From an attempt's own folder to where the user looks for it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from kohya_wrap.domain.events import (
    AttemptStarted,
    CheckpointKept,
    CheckpointSaved,
    Crash,
    EpochStarted,
    Event,
    StateKept,
    StateSaved,
    Unfit,
)
from kohya_wrap.domain.saving import Saving
from kohya_wrap.host.file_hash import sha256
from kohya_wrap.training.keep import Keeper

RESUMED = AttemptStarted(2, 3, 15, 15, 5, "s", 0, {})
GOES_ON = EpochStarted(5, 10)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "attempt"
    folder.mkdir()
    return folder


def lora(path: Path, steps: int, up: float = 0.5) -> CheckpointSaved:
    tensors = {
        "a.lora_up.weight": np.full((4, 2), up, "float16"),
        "a.lora_down.weight": np.ones((2, 4), "float16"),
    }
    save_file(tensors, path, {"ss_steps": str(steps), "ss_epoch": "4"})
    return CheckpointSaved(str(path))


def keeper(tmp_path: Path, attempt: AttemptStarted = RESUMED, **saving: int) -> Keeper:
    return Keeper(attempt, tmp_path / "attempt", tmp_path / "output", "lo", Saving(**saving))


def state(folder: Path, name: str) -> StateSaved:
    """A whole one, as far as it is looked at."""
    place = folder / name
    place.mkdir()
    (place / "train_state.json").write_text("{}")
    for part in ("optimizer.bin", "scheduler.bin", "random_states_0.pkl"):
        with zipfile.ZipFile(place / part, "w") as file:
            file.writestr("data", "x")
    lora(place / "model.safetensors", 1)
    return StateSaved(str(place))


def told(watching: Keeper, *events: Event) -> list[Event]:
    return [kept for event in events for kept in watching.seen(event)]


def test_steps_are_those_of_all_attempts(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1, every_steps=5)
    saved = [lora(made / "lo-step00000005.safetensors", 5), lora(made / "lo-000004.safetensors", 5)]
    names = ["lo-step00000020.safetensors", "lo-000004.safetensors"]
    kept = [tmp_path / "output" / name for name in names]
    assert told(watching, *saved, GOES_ON) == [CheckpointKept(str(path), sha256(path)) for path in kept]
    for path in kept:
        with safe_open(path, "numpy") as file:
            assert file.metadata() == {"ss_steps": "20", "ss_epoch": "4"}
            assert (file.get_tensor("a.lora_up.weight") == 0.5).all()
    assert list(made.iterdir()) == []


def test_what_nobody_asked_for_is_removed(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=2)
    assert told(watching, lora(made / "lo-000005.safetensors", 10), GOES_ON) == []
    assert list(made.iterdir()) == []


def test_the_one_that_has_had_its_time_goes(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1, last_epochs=1)
    told(watching, lora(made / "lo-000004.safetensors", 5), lora(made / "lo-000005.safetensors", 10), GOES_ON)
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["lo-000005.safetensors"]


@pytest.mark.parametrize(("up", "problem"), [(0.0, "never moved"), (float("nan"), "no numbers")])
def test_what_is_of_no_use_gets_no_name(tmp_path: Path, made: Path, up: float, problem: str) -> None:
    watching = keeper(tmp_path, every_epochs=1)
    (unfit,) = told(watching, lora(made / "lo-000004.safetensors", 5, up), GOES_ON)
    assert isinstance(unfit, Unfit) and problem in unfit.problem
    assert not (tmp_path / "output").exists()


def test_a_file_that_a_crash_cut_short_is_neither_kept_nor_blamed(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1)
    saved = lora(made / "lo-000004.safetensors", 5)
    path = Path(saved.path)
    path.write_bytes(path.read_bytes()[:-4])
    assert told(watching, saved, Crash("No space left on device")) == []
    assert list(watching.ended()) == []
    assert list(made.iterdir()) == []


def test_half_a_state_is_none(tmp_path: Path, made: Path) -> None:
    half = made / "lo-000004-state"
    half.mkdir()
    (half / "train_state.json").write_text("{}")
    watching = keeper(tmp_path, every_epochs=1)
    assert told(watching, StateSaved(str(half)), GOES_ON) == []


def test_the_final_file_is_judged_with_the_run(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1)
    assert told(watching, lora(made / "lo.safetensors", 35), GOES_ON) == []
    assert [path.name for path in made.iterdir()] == ["lo.safetensors"]


def test_what_an_emptied_log_names_no_more_is_kept_in_its_order(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1)
    unnamed, saved = [lora(made / f"lo-00000{epoch}.safetensors", 5 * epoch) for epoch in (4, 5)]
    last = [lora(made / "lo-000006.safetensors", 30), lora(made / "lo.safetensors", 35)]
    for number, one in enumerate([unnamed, saved, *last]):
        os.utime(one.path, (number, number))
    during = told(watching, saved, GOES_ON)
    assert [Path(one.path).name for one in during if isinstance(one, CheckpointKept)] == [
        "lo-000004.safetensors", "lo-000005.safetensors",
    ]  # fmt: skip
    (kept,) = watching.ended()
    assert isinstance(kept, CheckpointKept) and Path(kept.path).name == "lo-000006.safetensors"
    assert [path.name for path in made.iterdir()] == ["lo.safetensors"]


def test_of_the_states_that_no_log_names_the_newest_comes_last(tmp_path: Path, made: Path) -> None:
    watching = keeper(tmp_path, every_epochs=1)
    state(made, "lo-000004-state")
    told(watching, state(made, "lo-000005-state"), GOES_ON)
    newest = state(made, "lo-000006-state")
    assert list(watching.ended()) == [StateKept(newest.path, 6, 30)]


def test_what_another_has_put_there_is_none_that_was_kept(tmp_path: Path, made: Path) -> None:
    """Of an epoch that this run does not keep."""
    other = tmp_path / "output" / "lo-000005.safetensors"
    other.parent.mkdir()
    lora(other, 25)
    assert told(keeper(tmp_path, every_epochs=2), CheckpointSaved(str(made / other.name)), GOES_ON) == []


def test_what_was_kept_and_is_not_on_record_is_put_there(tmp_path: Path, made: Path) -> None:
    """The record's last lines were lost with the machine; what it has is believed, whatever stands there by now."""
    kept = tmp_path / "output" / "lo-000004.safetensors"
    saved = CheckpointSaved(str(made / kept.name))
    watching = keeper(tmp_path, every_epochs=1)
    assert told(watching, saved, GOES_ON) == []
    kept.parent.mkdir()
    lora(kept, 20)
    assert told(watching, saved, GOES_ON) == [CheckpointKept(str(kept), sha256(kept))]
    watching.on_record = {str(kept)}
    assert told(watching, saved, GOES_ON) == []
