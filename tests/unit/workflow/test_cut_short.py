"""What is said of a run that ends before its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.events import StateKept
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.errors import TrainingFailed
from kohya_wrap.workflow import cut_short

KEPT = Ledger(states=(StateKept("s", 2, 10),))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(8.47, "8.5 seconds, $8.47,"), (90, "1.50 minutes, $90.00,"), (5400, "1.50 hours, $5400.00,")],
)
def test_how_long_it_took_is_said_as_one_would(seconds: float, words: str) -> None:
    said = cut_short.too_dear(KEPT, Budget(price=3600.0), seconds, Path("a.toml")).message
    assert (
        said
        == f"Stopped before the first step: {words} are spent; epoch 2 is kept, and it goes on from there."
    )


@pytest.mark.parametrize(
    ("ledger", "kept"),
    [
        (KEPT, "epoch 2 is kept, and it goes on from there"),
        (Ledger(), "no epoch was finished, so it begins anew"),
    ],
)
@pytest.mark.parametrize("hint", ["less engine.log", "less engine.log   then: kohya-wrap run 'a cat/x.toml'"])
def test_what_was_given_up_says_how_it_goes_on(ledger: Ledger, kept: str, hint: str) -> None:
    failed = TrainingFailed("It was killed.", why="w", hint=hint)
    said = cut_short.given_up(failed, ledger, Path("a cat/x.toml"))
    assert (said.message, said.why) == (f"It was killed; {kept}.", "w")
    assert said.hint == "less engine.log   then: kohya-wrap run 'a cat/x.toml'"
