"""What a training is said to have come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.cli import training
from kohya_wrap.cli.console import Console
from kohya_wrap.workflow.result import Result


@pytest.mark.parametrize(("of", "said"), [(2, ", of epoch 2)"), (5, " MB)"), (None, " MB)")])
def test_a_pause_says_of_which_epoch_its_file_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], of: int | None, said: str
) -> None:
    """Epochs that are shorter than a look, and an epoch to stop at that passed while nobody watched."""
    lora = tmp_path / "my_lora-000002.safetensors"
    lora.touch()
    paused = Result(lora, of, (lora,), 25, 9, 5, 0.1, 1.0, "rehearsal", tmp_path, True, ())
    training.say_result(Console(as_json=False), paused)
    line = next(line for line in capsys.readouterr().out.splitlines() if "so far" in line)
    assert line.endswith(said) and ("of epoch" in line) == (of == 2)
