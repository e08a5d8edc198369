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


def told(real: RealEngine, script: str, setup: dict[str, Any]) -> Any:
    """What a script of scripts/memory prints, in the engine's interpreter."""
    source = real.checkout.source
    env = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "HF_HUB_OFFLINE": "1"}
    argv = [real.python, "-m", f"scripts.memory.{script}", json.dumps(SMALL | setup)]
    said = subprocess.run(argv, cwd=source, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


@pytest.mark.parametrize(
    "setup",
    [
        {"batch": 2},
        {"checkpointed": True, "encoders": "trained", "attention": "none", "accumulated": 2},
    ],
    ids=str,
)
def test_a_step(real_engine: RealEngine, setup: dict[str, Any]) -> None:
    found = told(real_engine, "against_cpu", setup)
    print(found)
    assert found["simulated"] == pytest.approx(found["counted"], rel=0.001)


def test_accumulated_gradients_stand_through_the_next_forward(real_engine: RealEngine) -> None:
    """Both sides above take the same step, so of that they say nothing. At 128 px the peak lies elsewhere."""
    large = {"width": 512, "height": 512}
    one, two = (told(real_engine, "simulate", {**large, "accumulated": count})["need"] for count in (1, 2))
    assert two["most"] - one["most"] == pytest.approx(4 * one["trained"], rel=0.01)  # each in fp32


@pytest.mark.parametrize("number", [0, 2])
def test_the_shipped_rows_are_what_the_simulation_says_today(real_engine: RealEngine, number: int) -> None:
    """presets/memory.toml is fitted to such rows, and tests/unit/domain/test_memory.py holds it to these."""
    row = json.loads(
        (ROOT / "scripts" / "memory" / "unseen.jsonl").read_text(encoding="utf-8").splitlines()[number]
    )
    found = told(real_engine, "simulate", row["what"])["need"]
    assert found == pytest.approx(row["need"])
