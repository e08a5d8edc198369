"""Whatever passes the wrapper's check comes back from the engine's own parser as the same values and types."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given

from tests.engine.live_parser import Parser
from tests.fixtures import mutated_configs
from tests.fixtures.mutated_configs import Mutated, command_line, sayable, typed


def test_whatever_passes_comes_back_from_the_engines_parser(parser: Parser) -> None:
    defaults = {script: parser.ask(script, []) for script in ("train_network.py", "sdxl_train_network.py")}
    compared = 0

    @mutated_configs.profile(2500)
    @given(mutated_configs.configs())
    def ask(mutated: Mutated) -> None:
        nonlocal compared
        with tempfile.TemporaryDirectory() as folder:
            passed = mutated_configs.through(mutated, Path(folder))
        if passed is None or not sayable(passed.values):
            return
        namespace = parser.ask(passed.script, command_line(passed.values))
        expected = defaults[passed.script] | passed.values
        assert typed(namespace) == typed(expected)
        compared += 1

    ask()
    assert compared > 800, compared
