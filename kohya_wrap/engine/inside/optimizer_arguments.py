"""Dump what `optimizer_args` and `lr_scheduler_args` may hold: `ENGINE_PYTHON -I optimizer_arguments.py SOURCE_DIR`.

Runs in the engine's interpreter. Prints one JSON object: option -> optimizer or scheduler -> key ->
[type, choices], from their signatures, less what the engine itself passes. `open_optimizer_args` names those that
take keys beside the listed ones.
"""

import ast
import contextlib
import importlib
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Iterator

BY_PATH = (
    "bitsandbytes.optim", "lion_pytorch", "prodigyopt", "prodigyplus", "pytorch_optimizer", "schedulefree",
    "transformers.optimization",
)  # fmt: skip


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    os.environ["HF_HUB_OFFLINE"] = "1"
    with contextlib.redirect_stdout(sys.stderr):
        found = optimizers()
        arguments = {
            "optimizer_args": {name: keys for name, keys in found.items() if keys is not None},
            "open_optimizer_args": {name: {} for name, keys in found.items() if keys is None},
            "lr_scheduler_args": schedulers(),
        }
    print(json.dumps(arguments))


def optimizers() -> dict:
    import torch
    from library import train_util

    found = {}
    for name, cls in vars(torch.optim).items():
        if is_optimizer(cls):
            found[name] = signature(cls, {"params", "lr"})
    for module in BY_PATH:
        for name, cls in vars(importlib.import_module(module)).items():
            if is_optimizer(cls) and cls.__module__.startswith(module):
                found[f"{module}.{name}"] = signature(cls, {"params", "lr"})
    tree = ast.parse(inspect.getsource(train_util.get_optimizer))
    for names, path, passed in known_to_the_engine(tree):
        try:
            cls = resolve(path, imports_in(tree), vars(train_util))
        except ImportError:
            continue  # its package is not in the engine's environment
        found |= {name.lower(): signature(cls, {"params", *passed}) for name in names}
    return found


def is_optimizer(cls: object) -> bool:
    import torch

    return (
        inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer
    )


def known_to_the_engine(tree: ast.AST) -> list:
    """(names, dotted path of the class, keywords passed) of each branch of get_optimizer."""
    branches = []
    for node in ast.walk(tree):
        names = names_asked(node.test) if isinstance(node, ast.If) else []
        if not names:
            continue
        body = list(own(node.body))
        paths = [ast.unparse(n.value) for n in body if assigns(n, "optimizer_class")]
        if paths:
            passed = [
                k.arg
                for n in body
                if isinstance(n, ast.Call) and called(n) == "optimizer_class"
                for k in n.keywords
            ]
            branches.append((names, paths[0], {"lr", *passed} - {None}))
    return branches


def names_asked(test: ast.AST) -> list:
    """["Lion"] of `optimizer_type == "Lion".lower()`."""
    return [
        compare.comparators[0].func.value.value
        for compare in ast.walk(test)
        if isinstance(compare, ast.Compare)
        and getattr(compare.left, "id", "") == "optimizer_type"
        and isinstance(compare.comparators[0], ast.Call)
    ]


def own(body: list) -> Iterator:
    """The nodes of a branch, less those of branches inside it that ask for another name."""
    for node in body:
        if isinstance(node, ast.If) and "optimizer_type" in ast.unparse(node.test):
            yield from own(node.orelse)
        else:
            yield node
            yield from own(list(ast.iter_child_nodes(node)))


def assigns(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Assign)
        and getattr(node.targets[0], "id", "") == name
        and not isinstance(node.value, ast.Constant)
    )


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", "")


def imports_in(tree: ast.AST) -> dict:
    return {a.asname or a.name: a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}


def resolve(path: str, imports: dict, names: dict) -> object:
    first, *rest = path.split(".")
    value = importlib.import_module(imports[first]) if first in imports else names[first]
    for name in rest:
        value = getattr(value, name)
    return value


def schedulers() -> dict:
    import torch
    from diffusers.optimization import TYPE_TO_SCHEDULER_FUNCTION as of_diffusers
    from library import train_util
    from transformers.optimization import TYPE_TO_SCHEDULER_FUNCTION as of_transformers

    tree = ast.parse(inspect.getsource(train_util.get_scheduler_fix))
    passed = keywords_by_scheduler(tree)
    found = {
        kind.value: signature(function, {"optimizer", *passed.get(kind.name, passed[""])})
        for kind, function in of_transformers.items()
    }
    for kind, function in of_diffusers.items():
        if kind.name == "PIECEWISE_CONSTANT":
            found[kind.value] = signature(function, {"optimizer"})
    base = torch.optim.lr_scheduler.LRScheduler
    for name, cls in vars(torch.optim.lr_scheduler).items():  # by `lr_scheduler_type`
        if inspect.isclass(cls) and issubclass(cls, base) and not name.endswith("LRScheduler"):
            found[name] = signature(cls, {"optimizer"})
    for name, cls in vars(importlib.import_module("pytorch_optimizer")).items():
        if inspect.isclass(cls) and issubclass(cls, base) and cls.__module__.startswith("pytorch_optimizer"):
            found[f"pytorch_optimizer.{name}"] = signature(cls, {"optimizer"})
    return {name: arguments for name, arguments in found.items() if arguments is not None}


def keywords_by_scheduler(tree: ast.AST) -> dict:
    """Scheduler's name -> the keywords of its call; "" -> those of the last call, for all others."""
    passed = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "name ==" in ast.unparse(node.test):
            kinds = {n.attr for n in ast.walk(node.test) if isinstance(n, ast.Attribute)}
            keywords = [call for inner in node.body for call in schedule_calls(inner)]
            passed |= {kind: keywords[0] for kind in kinds if keywords}
    passed[""] = schedule_calls(tree.body[0].body[-1])[0]
    return passed


def schedule_calls(node: ast.AST) -> list:
    return [
        {keyword.arg for keyword in call.keywords} - {None}
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and called(call) == "schedule_func"
    ]


def signature(function: object, passed: set) -> dict | None:
    """Its arguments less those the caller passes; None where it makes use of names that are not listed."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD and is_used(p.name, function) for p in parameters):
        return None
    listed = (p for p in parameters if p.kind is not p.VAR_KEYWORD)
    return {p.name: [kind_of(p), []] for p in listed if p.name not in passed}


def is_used(name: str, function: object) -> bool:
    source = inspect.getsource(function.__init__ if inspect.isclass(function) else function)
    return any(
        isinstance(node, ast.Name) and node.id == name
        for node in ast.walk(ast.parse(textwrap.dedent(source)))
    )


def kind_of(parameter: inspect.Parameter) -> str:
    hint = str(parameter.annotation)
    if parameter.default is None or isinstance(parameter.default, str):
        return kind_of_hint(hint)
    if isinstance(parameter.default, bool):
        return "bool"
    if isinstance(parameter.default, int):  # often written 0 or 1 for a number with a fraction
        return "int" if hint in ("<class 'int'>", "int") else "float"
    return {float: "float", tuple: "list", list: "list"}.get(type(parameter.default), kind_of_hint(hint))


def kind_of_hint(hint: str) -> str:
    for words, kind in (
        (("<class 'bool'>", "bool", "typing.Optional[bool]", "bool | None"), "bool"),
        (("<class 'int'>", "int", "typing.Optional[int]", "int | None"), "int"),
        (("<class 'float'>", "float", "typing.Optional[float]", "float | None"), "float"),
        (("<class 'str'>", "str", "typing.Optional[str]", "str | None"), "str"),
    ):
        if hint in words:
            return kind
    return "any"


if __name__ == "__main__":
    main()
