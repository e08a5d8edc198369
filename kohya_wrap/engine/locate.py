"""Which engine a run uses: the real one or the rehearsal, and how its scripts are started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kohya_wrap import resources
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.install import Environment


@dataclass(frozen=True)
class Engine:
    """An engine ready to run.

    Attributes:
        commit: of its source; "rehearsal" for the rehearsal.
        source: the folder with the entry scripts, and the working folder to start them in.
        launch: the words before the launcher's flags and the script.
        tokenizers: what the engine is given as `tokenizer_cache_dir`; None where it needs none.
    """

    kind: Literal["real", "rehearsal"]
    commit: str
    source: Path
    launch: tuple[str, ...]
    tokenizers: Path | None


def real(checkout: Checkout, environment: Environment, tokenizers: Path) -> Engine:
    launch = (str(environment.python), "-m", "accelerate.commands.launch")
    return Engine("real", checkout.commit, checkout.source, launch, tokenizers)


def rehearsal() -> Engine:
    """The embedded one: it runs in the wrapper's own interpreter and needs nothing installed."""
    source = resources.rehearsal_source()
    return Engine("rehearsal", "rehearsal", source, (sys.executable, str(source / "launch.py")), None)
