"""What a trainer has saved and no record has: it lies in its run's folder alone, as where the output folder's disk was full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.domain.saving import Saved
from kohya_wrap.training import states
from kohya_wrap.training.result import weights_problem
from kohya_wrap.workflow.run_folder import RunFolder

_WEIGHTS = (".safetensors", ".ckpt", ".pt")


def by(run: RunFolder) -> Iterator[Path]:
    """Whole checkpoints, and whole states that hold more than the newest on record, in the order of their epochs: the next
    `run` takes them."""
    name, ledger = str(run.about.get("output_name", "")), run.ledger
    done = ledger.states[-1].epoch if ledger.states else 0
    for path in run.saved():
        if path.is_dir():
            epoch = Saved.from_name(path.name.removesuffix("-state"), name).epoch or 0
            if epoch > done and not states.problem(path):
                yield path
        elif path.suffix in _WEIGHTS and not (path.suffix == ".safetensors" and weights_problem(path)):
            yield path
