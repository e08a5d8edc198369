"""Whatever passes the wrapper's check comes back from the engine's own parser as the same values and types."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.engine.conftest import RealEngine
from tests.fixtures import mutated_configs
from tests.fixtures.mutated_configs import Mutated, command_line, sayable, typed

# Runs in the engine's interpreter: {"script", "words"} a line on stdin, the namespace or an error a line on stdout.
PARSE = """
import contextlib, importlib, io, json, sys
sys.path.insert(0, sys.argv[1])
parsers, out = {}, sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    asked = json.loads(line)
    script = asked["script"]
    if script not in parsers:
        parsers[script] = importlib.import_module(script.removesuffix(".py")).setup_parser()
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            answer = {"namespace": vars(parsers[script].parse_args(asked["words"]))}
    except SystemExit:
        answer = {"error": complaint.getvalue().splitlines()[-1]}
    print(json.dumps(answer, default=str), file=out, flush=True)  # `dataset_config` becomes a Path
"""


class Parser:
    """The live parsers, asked one command line after another."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def ask(self, script: str, words: list[str]) -> dict[str, Any]:
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(json.dumps({"script": script, "words": words}) + "\n")
        self._child.stdin.flush()
        answer: dict[str, Any] = json.loads(self._child.stdout.readline())
        assert "error" not in answer, (answer, words)
        namespace: dict[str, Any] = answer["namespace"]
        return namespace


@pytest.fixture(scope="module")
def parser(real_engine: RealEngine) -> Iterator[Parser]:
    with subprocess.Popen(
        [real_engine.python, "-I", "-c", PARSE, real_engine.checkout.source],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    ) as child:  # fmt: skip
        yield Parser(child)
        child.stdin.close()  # type: ignore[union-attr]


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
