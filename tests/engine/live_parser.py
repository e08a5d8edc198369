"""The engine's own parsers, in its own interpreter, asked one command line after another."""

from __future__ import annotations

import json
import subprocess
from typing import Any

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
