"""How an engine's scripts are started."""

from __future__ import annotations

import sys
from pathlib import Path

from kohya_wrap.engine import locate
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.install import Environment


def test_the_real_one_runs_in_its_own_interpreter_under_accelerate(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    engine = locate.real(Checkout(tmp_path, "4" * 40), Environment(python), tmp_path / "tokenizers")
    assert engine.kind == "real"
    assert engine.launch == (str(python), "-m", "accelerate.commands.launch")
    assert (engine.source, engine.commit, engine.tokenizers) == (tmp_path, "4" * 40, tmp_path / "tokenizers")


def test_the_rehearsal_runs_in_ours_with_a_launcher_that_is_there() -> None:
    engine = locate.rehearsal()
    assert engine.kind == "rehearsal"
    assert engine.launch[0] == sys.executable
    assert Path(engine.launch[1]).is_file()
    assert engine.source == Path(engine.launch[1]).parent
