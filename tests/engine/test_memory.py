"""The simulated memory of the engine's own step, against what this CPU's allocator counts of the same step done for real."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import RealEngine

ROOT = Path(__file__).parents[2]
SMALL = {"width": 128, "height": 128, "dim": 16}


@pytest.mark.parametrize(
    "setup",
    [
        {"batch": 2},
        {"checkpointed": True, "encoders": "trained", "attention": "none", "accumulated": 2},
    ],
    ids=str,
)
def test_a_step(real_engine: RealEngine, setup: dict[str, Any]) -> None:
    source = real_engine.checkout.source
    env = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "HF_HUB_OFFLINE": "1"}
    argv = [real_engine.python, "-m", "scripts.memory.against_cpu", json.dumps(SMALL | setup)]
    said = subprocess.run(argv, cwd=source, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    print(found)
    assert found["simulated"] == pytest.approx(found["counted"], rel=0.001)
