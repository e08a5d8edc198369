"""What a run is said to have given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kohya_wrap.domain.events import AttemptStarted, StateKept
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.engine import locate
from kohya_wrap.training.seen import Seen
from kohya_wrap.workflow import result
from kohya_wrap.workflow.followed import End
from kohya_wrap.workflow.run_folder import RunFolder


@pytest.mark.parametrize(
    ("kept", "paused", "of"),
    [("lo-000002", True, 2), ("lo-step00000008", True, None), ("lo", False, 10), ("", True, 10)],
)
def test_of_which_epoch_its_file_is(tmp_path: Path, kept: str, paused: bool, of: int | None) -> None:
    job: Any = SimpleNamespace(config={"output_name": "lo"}, plan=SimpleNamespace(epochs=10, steps=50))
    files = (f"{tmp_path}/{kept}.safetensors",) if kept else ()
    ledger = Ledger(states=(StateKept("s", 3, 15),), checkpoints=files)
    end = End(AttemptStarted(1, 0, 0, 0, 5, "", 0, {}), Seen(), 0, None)
    made = result.of_end(
        RunFolder(tmp_path), ledger, job, locate.rehearsal(), end, seconds=1.0, paused=paused
    )
    assert (made.lora_epoch, made.epoch) == (of, 3 if paused else 10)
    assert made.lora == (Path(files[0]) if files else None)
