"""What the package imports comes with it: a wheel is tried beside the development environment, which has more."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import toml

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "kohya_wrap"


def imported() -> dict[str, Path]:
    """Top-level module of others -> a file that imports it, also inside a function."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if PACKAGE / "engine" / "inside" in path.parents:
            continue  # runs on the engine's packages
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            found |= {name.partition(".")[0]: path for name in names}
    own = sys.stdlib_module_names | {"kohya_wrap"}
    return {module: path for module, path in found.items() if module not in own}


def modules(distribution: str) -> set[str]:
    files = metadata.files(distribution)
    assert files, f"{distribution} is not installed here"
    return {file.parts[0].partition(".")[0] for file in files}


def test_every_import_is_of_a_declared_dependency() -> None:
    project = toml.load(CHECKOUT / "pyproject.toml")["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["caption"]]
    provided = set().union(*(modules(re.split(r"[^\w.-]", line)[0]) for line in declared))
    others = imported()
    assert {"click", "git", "pynvml", "PIL"} <= others.keys()  # the scan sees something
    assert {module: path for module, path in others.items() if module not in provided} == {}
