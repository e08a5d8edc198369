"""Dump options from the engine's own parsers: `ENGINE_PYTHON -I options.py SOURCE_DIR [SCRIPT...]`.

Runs in the engine's interpreter. Prints one JSON object: script -> option name -> [type, item, choices, default];
without SCRIPT of every script that has a parser and can be imported, and, as "dataset_config", the names that
the engine's dataset files may hold.
"""

import argparse
import ast
import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path


def main() -> None:
    source, *scripts = sys.argv[1:]
    sys.path.insert(0, source)
    os.environ["HF_HUB_OFFLINE"] = "1"
    tables = {}
    with contextlib.redirect_stdout(sys.stderr):
        for script in scripts or with_a_parser(Path(source)):
            try:
                tables[script] = options_of(Path(source), script)
            except Exception as error:
                if scripts:
                    raise
                print(f"left out: {script}: {error}", file=sys.stderr)
        if not scripts:
            tables["dataset_config"] = sorted(dataset_names())
    print(json.dumps(tables))


def with_a_parser(source: Path) -> list:
    files = [
        *source.glob("*.py"),
        *(f for folder in ("finetune", "networks", "tools") for f in (source / folder).glob("*.py")),
    ]
    return sorted(f.relative_to(source).as_posix() for f in files if defines_a_parser(f))


def defines_a_parser(file: Path) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "setup_parser" for node in tree.body)


def options_of(source: Path, script: str) -> dict:
    file = source / script
    sys.path.insert(1, str(file.parent))  # as where the script is started
    try:
        spec = importlib.util.spec_from_file_location(script.removesuffix(".py").replace("/", "_"), file)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        del sys.path[1]
    actions = module.setup_parser()._actions
    return {a.dest: describe(a) for a in actions if not isinstance(a, argparse._HelpAction)}


def describe(action: argparse.Action) -> list:
    if action.nargs == 0:
        return ["bool", "", [], action.default]
    one = {None: "str", str: "str", int: "int", float: "float"}.get(action.type, "any")
    choices = list(action.choices or [])
    if action.nargs in ("*", "+"):
        return ["list", one, choices, action.default]
    return [one, "", choices, action.default]


def dataset_names() -> set:
    from library.config_util import ConfigSanitizer

    schemas = (value for name, value in vars(ConfigSanitizer).items() if name.endswith("_SCHEMA"))
    parsers_own = ConfigSanitizer.ARGPARSE_SPECIFIC_SCHEMA
    keys = {str(name) for schema in schemas if schema is not parsers_own for name in schema}
    return keys | {"datasets", "subsets"}


if __name__ == "__main__":
    main()
