"""The engine's own loader gives odd pictures the size and the colours that a person sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.engine.conftest import RealEngine
from tests.fixtures import odd_pictures

SCRIPT = Path(__file__).parents[2] / "scripts" / "try_images.py"


def test_no_difference(real_engine: RealEngine, tmp_path: Path) -> None:
    odd_pictures.write(tmp_path / "odd")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "odd"],
        env=os.environ | {"KOHYA_WRAP_HOME": str(real_engine.places.home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{odd_pictures.ACCEPTED} accepted, {odd_pictures.REFUSED} refused" in done.stdout
    built, as_they_are = (line for line in done.stdout.splitlines() if line.endswith("differences"))
    assert built == f"{odd_pictures.ACCEPTED} loaded with the engine's loader, 0 differences"
    assert as_they_are.endswith("loaded with the engine's loader, 0 differences")
