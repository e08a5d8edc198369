"""Whatever passes the wrapper's check means the same on the engine's command line (its options from the shipped table)."""

from __future__ import annotations

import argparse
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import event, given

from kohya_wrap.config.option_table import for_script
from kohya_wrap.domain.family import FAMILIES
from tests.fixtures import mutated_configs
from tests.fixtures.mutated_configs import Mutated, command_line, sayable, typed

SAID: dict[str, int] = {"passed": 0, "refused": 0}


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    """As the engine's, from the table: what `test_property` of tests/engine asks the engine's own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    types = {"int": int, "float": float, "str": str, "any": number_or_text}
    for option in for_script(script).values():
        flag = f"--{option.name}"
        if option.type == "bool":
            parser.add_argument(flag, action="store_true")
        elif option.type == "list":
            parser.add_argument(flag, nargs="*", type=types[option.item])
        else:
            parser.add_argument(flag, type=types[option.type], choices=option.choices or None)
    return parser


def number_or_text(word: str) -> int | float | str:
    """What the engine's own conversions give for the numbers among the values that the check lets through."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def meant(values: dict[str, Any]) -> dict[str, list[str]]:
    """Without the types: 1 for 1.0 and one number for a list of it are the same."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return {name: [repr(_number(item)) for item in items] for name, items in listed.items()}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@mutated_configs.profile(2000)
@given(mutated_configs.configs())
def ask(mutated: Mutated) -> None:
    with tempfile.TemporaryDirectory() as folder:
        passed = mutated_configs.through(mutated, Path(folder))
    if passed is None:
        SAID["refused"] += 1
        return
    SAID["passed"] += 1
    event("passed")
    assert passed.script == FAMILIES[mutated.family].script
    assert meant(passed.values) == meant(passed.resolved), "nothing is dropped or changed without a word"
    if sayable(passed.values):
        said = vars(parser_of(passed.script).parse_args(command_line(passed.values)))
        assert typed({name: said[name] for name in passed.values}) == typed(passed.values)


@mutated_configs.profile(500)
@given(mutated_configs.mangled())
def test_no_slip_of_the_hand_is_a_traceback(mutated: Mutated) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mutated_configs.through(mutated, Path(folder))


def test_whatever_passes_comes_back_from_a_command_line() -> None:
    ask()
    assert min(SAID.values()) > 400, SAID
