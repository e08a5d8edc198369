"""Dump an entry script's options from its own parser: `ENGINE_PYTHON options.py SOURCE_DIR SCRIPT`.

Runs in the engine's interpreter. Prints one JSON object: option name -> [type, item, choices, default].
"""

import argparse
import importlib
import json
import sys


def main() -> None:
    source, script = sys.argv[1:3]
    sys.path.insert(0, source)
    parser = importlib.import_module(script.removesuffix(".py")).setup_parser()
    options = {a.dest: describe(a) for a in parser._actions if not isinstance(a, argparse._HelpAction)}
    print(json.dumps(options, sort_keys=True))


def describe(action: argparse.Action) -> list:
    if action.nargs == 0:
        return ["bool", "", [], action.default]
    one = {None: "str", str: "str", int: "int", float: "float"}.get(action.type, "any")
    choices = list(action.choices or [])
    if action.nargs in ("*", "+"):
        return ["list", one, choices, action.default]
    return [one, "", choices, action.default]


if __name__ == "__main__":
    main()
