"""State folders: whether one is whole, so that a training can go on from it (engine contract, section 4)."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from kohya_wrap.domain.events import StateKept
from kohya_wrap.domain.saving import STATES
from kohya_wrap.training.result import weights_problem

# Written by torch.save as zip files; the last one last of all.
_ZIPPED = ("optimizer.bin", "scheduler.bin", "random_states_0.pkl")


def problem(state: Path) -> str:
    """What is wrong with it, in words; empty where every byte of it can be read, and its weights are finite.

    The engine writes states in place, so that a full disk or a kill leaves half of one under the right name.
    """
    try:
        json.loads((state / "train_state.json").read_text(encoding="utf-8"))
        for name in (*_ZIPPED, *(("scaler.pt",) if (state / "scaler.pt").exists() else ())):
            with zipfile.ZipFile(state / name) as file:
                if damaged := file.testzip():
                    return f"has a damaged {name} ({damaged})"
        found = weights_problem(state / "model.safetensors")
    except FileNotFoundError as error:  # the engine removes the oldest, maybe just now
        return f"lacks {Path(error.filename).name}"
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        return f"cannot be read ({error})"
    return "" if not found or "never moved" in found else f"has a model.safetensors that {found}"


def newest_whole(states: Sequence[StateKept]) -> tuple[StateKept | None, tuple[tuple[StateKept, str], ...]]:
    """The one to go on from, and those after it that are damaged or gone, each with why."""
    damaged: list[tuple[StateKept, str]] = []
    for place, state in enumerate(reversed(states)):
        if not Path(state.path).exists():
            if place < STATES:  # the others were removed in their turn
                damaged.append((state, "is gone"))
            continue
        if not (why := problem(Path(state.path))):
            return state, tuple(damaged)
        damaged.append((state, why))
    return None, tuple(damaged)


def prune(states: Sequence[StateKept]) -> None:
    """Remove all but the newest: a state takes three times the LoRA's size."""
    for state in states[:-STATES]:
        shutil.rmtree(state.path, ignore_errors=True)
