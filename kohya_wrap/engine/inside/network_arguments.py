"""Dump what `network_args` may hold: `ENGINE_PYTHON -I network_arguments.py SOURCE_DIR`.

Runs in the engine's interpreter. Prints one JSON object: "network_args" -> module -> key -> [type, choices].
The modules are read, not run: they take any key, and use those they ask for.
"""

import ast
import contextlib
import importlib.util
import json
import sys
from pathlib import Path

MODULES = ("networks.lora", "networks.lora_fa", "networks.dylora", "networks.oft", "lycoris.kohya")
CONVERSIONS = {
    "int": "int",
    "float": "float",
    "bool": "flag",  # of a text: true for "False" too
    "str_bool": "bool",
    "parse_ints": "list",
    "parse_floats": "list",
}


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    with contextlib.redirect_stdout(sys.stderr):
        arguments = {name: arguments_of(name) for name in MODULES if importlib.util.find_spec(name)}
        arguments["lycoris.kohya"] |= what_lycoris_knows(arguments["lycoris.kohya"])
    print(json.dumps({"network_args": arguments}))


def arguments_of(name: str) -> dict:
    file = Path(importlib.util.find_spec(name).origin)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = [asked_for(node) for node in ast.walk(tree)]
    kinds = conversions(tree)
    return {key: kind_of(key, default, kinds) for key, default in found if key}


def what_lycoris_knows(arguments: dict) -> dict:
    """Choices that stand in its own tables, and the older names of its arguments."""
    from lycoris.config import PRESET
    from lycoris.wrapper import deprecated_arg_dict, network_module_dict

    choices = {
        "algo": ["str", sorted(network_module_dict)],
        "preset": ["name-or-file", sorted(PRESET)],
    }
    older = {old: arguments[new] for old, new in deprecated_arg_dict.items()}
    # Its value is handed on as that of use_tucker, so `True` would turn on what it is to turn off.
    return choices | older | {"disable_conv_cp": ["bool", ["False"]]}


def asked_for(node: ast.AST) -> tuple:
    """("k", default) of kwargs.get("k", default), kwargs["k"] and "k" in kwargs; (None, None) of anything else."""
    match node:
        case ast.Call(ast.Attribute(ast.Name("kwargs" | "nw_kwargs"), "get"), [ast.Constant(key), *default]):
            return key, constant(default[0]) if default else None
        case ast.Subscript(ast.Name("kwargs" | "nw_kwargs"), ast.Constant(key)):
            return key, None
        case ast.Compare(ast.Constant(key), [ast.In()], [ast.Name("kwargs" | "nw_kwargs")]):
            return key, None
    return None, None


def constant(node: ast.AST) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def conversions(tree: ast.AST) -> dict:
    """What becomes of a key's text: int(kwargs.get("k")), or k = kwargs.get("k") and somewhere later int(k)."""
    kinds: dict = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(function), [value, *_]) if function in CONVERSIONS:
                found = [CONVERSIONS[function], []]
            case ast.Compare(ast.Call(ast.Attribute(value, "lower")), [ast.Eq()], [ast.Constant("true")]):
                found = ["bool", []]
            case ast.Compare(value, [ast.Eq()], [ast.Constant("True")]):
                found = ["bool", ["False", "True"]]
            case _:
                continue
        for key in keys_in(value):
            kinds.setdefault(key, found)
    return kinds


def keys_in(value: ast.AST) -> set:
    asked = {asked_for(node)[0] for node in ast.walk(value)} - {None}
    return asked or ({value.id} if isinstance(value, ast.Name) else set())


def kind_of(key: str, default: object, kinds: dict) -> list:
    """By its conversion, else by its default: of a boolean that nothing converts any text is true."""
    unconverted = {bool: "flag", int: "int", float: "float", str: "str"}.get(type(default), "any")
    return kinds.get(key) or [unconverted, []]


if __name__ == "__main__":
    main()
