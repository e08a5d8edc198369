"""What a probe leaves of the budget."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kohya_wrap.domain.events import Event, Probed
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training.end_now import Why
from kohya_wrap.training.seen import Seen
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow.probe import Probe
from kohya_wrap.workflow.run_folder import RunFolder


@pytest.mark.parametrize(("left", "ended"), [(None, None), (60.0, None), (0.01, Why.BUDGET)])
def test_no_attempt_follows_a_probe_that_took_all_that_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: float | None, ended: Why | None
) -> None:
    """It fits, which is on record for another time."""

    def fits(*_: object) -> tuple[Seen, int, None]:
        time.sleep(0.05)
        return Seen(steps=2), 0, None

    monkeypatch.setattr(Probe, "_hardest", lambda self: ((512, 512), 4))
    monkeypatch.setattr(Probe, "_attempt", fits)
    nothing: Any = SimpleNamespace(user=SimpleNamespace(path=Path("c.toml")), get=lambda name, usual: usual)
    stop, stop_file = StopRequest(), StopFile(tmp_path)
    probe = Probe(nothing, nothing, nothing, RunFolder(tmp_path), {}, stop, stop_file)
    told: list[Event] = []
    assert probe.fit(told.append, left) is ended
    assert told == [Probed((512, 512), 1, {})]
