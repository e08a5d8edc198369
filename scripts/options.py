"""Write kohya_wrap/config/options anew from the installed engine, or say what another commit would change.

`uv run scripts/options.py` regenerates the tables; `uv run scripts/options.py --compare DIR`, DIR being a checkout
of another commit, prints what it adds, removes and changes, and exits 1 where there is anything. Both run the
engine's parsers in its installed interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.engine import checkout, install, pin
from kohya_wrap.places import Places

FOLDER = Path(resources.__file__).parent / "config" / "options"
ENTRY_SCRIPTS = ("train_network.py", "sdxl_train_network.py")
OF_AN_OPTION = ("type", "type of items", "choices", "default")
OF_AN_ARGUMENT = ("type", "choices")

Tables = dict[str, dict[str, Any]]  # file's name without .json -> table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", metavar="DIR", type=Path)
    other = parser.parse_args().compare
    python, source = _installed()
    if other:
        changes = list(differences(tables(python, source), tables(python, other.resolve())))
        print("\n".join(changes) or "nothing differs")
        return 1 if changes else 0
    for name, table in tables(python, source).items():
        (FOLDER / f"{name}.json").write_text(text(name, table), encoding="utf-8", newline="\n")
        print(f"{name}.json: {len(table)} entries")
    return 0


def _installed() -> tuple[Path, Path]:
    pinned, places = pin.load(), Places.from_environment(os.environ)
    source, environment = checkout.find(pinned, places), install.find(pinned, places)
    if source is None or environment is None:
        sys.exit("The engine is not installed here: kohya-wrap demo --engine real installs it.")
    return environment.python, source.source


def tables(python: Path, source: Path) -> Tables:
    """All tables as the engine at `source` has them."""
    options = _inside(python, "options.py", source)
    entries = {script.removesuffix(".py"): options[script] for script in ENTRY_SCRIPTS}
    arguments = {
        **_inside(python, "network_arguments.py", source),
        **_inside(python, "optimizer_arguments.py", source),
    }
    return {**entries, "elsewhere": _elsewhere(options), "arguments": arguments}


def _inside(python: Path, script: str, source: Path) -> dict[str, Any]:
    said = subprocess.run(
        [python, "-I", resources.inside(script), source],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if said.returncode:
        sys.exit(f"{script} failed on {source}:\n{said.stderr}")
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


def _elsewhere(options: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name -> who reads it, of the names that some entry script does not know; the nearest readers first."""
    known_to_all = set.intersection(*(set(options[script]) for script in ENTRY_SCRIPTS))
    nearest = [*ENTRY_SCRIPTS, "dataset_config"]
    readers = [*nearest, *sorted(set(options) - set(nearest))]
    names = {name for table in options.values() for name in table} - known_to_all
    return {name: [reader for reader in readers if name in options[reader]] for name in names}


def text(name: str, table: Mapping[str, Any]) -> str:
    """JSON, sorted, one option or one argument a line."""
    if name != "arguments":
        return _object(table, "") + "\n"
    kinds = {
        option: _raw({owner: _object(keys, "    ") for owner, keys in owners.items()}, "  ")
        for option, owners in table.items()
    }
    return _raw(kinds, "") + "\n"


def _object(table: Mapping[str, Any], indent: str) -> str:
    return _raw({key: json.dumps(value) for key, value in table.items()}, indent)


def _raw(table: Mapping[str, str], indent: str) -> str:
    if not table:
        return "{}"
    lines = ",\n".join(f"{indent}  {json.dumps(key)}: {table[key]}" for key in sorted(table))
    return f"{{\n{lines}\n{indent}}}"


def differences(ours: Tables, theirs: Tables) -> Iterator[str]:
    """One line for each option or argument that another commit adds, removes or changes."""
    for script in (name.removesuffix(".py") for name in ENTRY_SCRIPTS):
        yield from _between(f"{script}.py", OF_AN_OPTION, ours[script], theirs[script])
    for option, owners in ours["arguments"].items():
        others = theirs["arguments"][option]
        yield from (f"{option}: removed {owner}" for owner in sorted(owners.keys() - others.keys()))
        yield from (f"{option}: added {owner}" for owner in sorted(others.keys() - owners.keys()))
        for owner in sorted(owners.keys() & others.keys()):
            yield from _between(f"{option} of {owner}", OF_AN_ARGUMENT, owners[owner], others[owner])


def _between(
    where: str, parts: Sequence[str], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            yield f"{where}: removed {name}"
        elif name not in ours:
            yield f"{where}: added {name} {json.dumps(theirs[name])}"
        for part, was, becomes in zip(parts, ours.get(name, ()), theirs.get(name, ()), strict=False):
            if was != becomes:
                yield f"{where}: {name}: {part} {json.dumps(was)} -> {json.dumps(becomes)}"


if __name__ == "__main__":
    sys.exit(main())
