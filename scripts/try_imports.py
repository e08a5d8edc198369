"""Import every config of a kohya_ss repository, and say what became of each: `uv run scripts/try_imports.py GIT_DIR`.

Each file is imported and checked in a folder of its own, as `config import` does it. Where the engine is installed,
what the import resolves to is also put to the engine's own parser. "untrained": imported, but the engine at our pin
cannot train it. Nothing of the repository is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import toml

from kohya_wrap import resources
from kohya_wrap.config import option_table, presets, render
from kohya_wrap.config.importing.completed import MAY_DIFFER
from kohya_wrap.config.user import PATHS
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.family import FAMILIES
from kohya_wrap.domain.finding import Level
from kohya_wrap.engine import checkout, install, pin
from kohya_wrap.errors import KohyaWrapError
from kohya_wrap.places import Places
from kohya_wrap.workflow import assumed, effective, import_config
from kohya_wrap.workflow import machine as machines
from kohya_wrap.workflow.base_model import Facts

WHERE = ("presets/lora", "presets/finetune", "presets/dreambooth", "test/config", "examples")
ENDINGS = (".json", ".ps1", ".sh", ".bat")

# In the engine's interpreter: {"script", "words"} a line in, the namespace or an error a line out.
PARSE = """
import contextlib, importlib, io, json, sys
sys.path.insert(0, sys.argv[1])
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    asked, complaint = json.loads(line), io.StringIO()
    parser = importlib.import_module(asked["script"].removesuffix(".py")).setup_parser()
    try:
        with contextlib.redirect_stderr(complaint):
            answer = vars(parser.parse_args(asked["words"]))
    except SystemExit:
        answer = {"": complaint.getvalue().splitlines()[-1]}
    print(json.dumps(answer, default=str), file=out, flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("git_dir", type=Path)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, installed() as live:
        for name, content in files(parser.parse_args().git_dir):
            outcome, lines = attempt(Path(folder), name, content, live)
            outcomes[outcome] += 1
            print(f"{outcome:10} {name}", *lines, sep="\n             ")
    print(dict(outcomes))
    return 1 if outcomes["DIFFERS"] else 0


def files(git_dir: Path) -> Iterator[tuple[str, bytes]]:
    git = ["git", f"--git-dir={git_dir}"]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "-z", "--name-only", "HEAD", *WHERE], capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        if name.endswith(ENDINGS):
            shown = subprocess.run([*git, "show", f"HEAD:{name}"], capture_output=True, check=True)
            yield name, shown.stdout


def attempt(folder: Path, name: str, content: bytes, live: Parser | None) -> tuple[str, list[str]]:
    source, target = folder / Path(name).name, folder / "training_config.toml"
    source.write_bytes(content)
    places = Places(folder / "home")
    request = import_config.ImportRequest(source, target, replace=True)
    try:
        imported = import_config.run(request, places, {})
    except KohyaWrapError as error:
        return "refused", [f"{error.message} {error.why}"]
    lost = [f"not kept: {left.source} = {left.value}: {left.why}" for left in imported.source.lost]
    said = [f"{f.level.value}: {f.code}: {f.message}" for f in imported.findings if f.level is not Level.NOTE]
    if any(finding.level is Level.ERROR for finding in imported.findings):
        return "untrained", [*lost, *said]
    script, values = FAMILIES[imported.family].script, resolved(imported)
    differs = list(unfaithful(imported, values, script)) + (live.differences(values, script) if live else [])
    return ("DIFFERS" if differs else "imported"), [*lost, *said, *differs]


def unfaithful(imported: import_config.Imported, values: Mapping[str, Any], script: str) -> Iterator[str]:
    """Options that are learned and would be trained with another value than the source's."""
    said = imported.source.options
    free = {name for names in MAY_DIFFER.values() for name in names} - said.keys()
    free |= PATHS | {"max_train_steps"}  # beside epochs the engine ignores it; without, 1600 is its default
    for name, option in option_table.for_script(script).items():
        trained, meant = values.get(name, option.default), said.get(name, option.default)
        if name not in free and trained not in (meant, [meant]):  # a rate alone is a list of one
            yield f"{name}: the source has {meant!r}, the import trains with {trained!r}"


def resolved(imported: import_config.Imported) -> dict[str, Any]:
    """What `run` would write into engine_config.toml on the neutral card."""
    known = presets.load(resources.presets())
    machine = machines.choose(known, assumed.NEUTRAL_CARD, {})
    assert machine is not None
    asked = effective.read(imported.target, (), {})
    config: TrainingConfig = effective.settled(asked, Facts(imported.family), machine, known).config
    written = imported.target.with_name("engine_config.toml")
    render.for_engine(written, config, option_table.for_script(FAMILIES[imported.family].script))
    return toml.load(written)


class Parser:
    """The live parsers, asked one config after another."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def differences(self, values: Mapping[str, Any], script: str) -> list[str]:
        """Options that come back from the parser as something else, of a command line with these values."""
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(json.dumps({"script": script, "words": list(command_line(values))}) + "\n")
        self._child.stdin.flush()
        answer = json.loads(self._child.stdout.readline())
        if "" in answer:
            return [answer[""]]
        return [
            f"{name} = {value!r} comes back as {answer.get(name)!r}"
            for name, value in values.items()
            if answer.get(name) != value and answer.get(name) != [value]
        ]


@contextmanager
def installed() -> Iterator[Parser | None]:
    pinned, places = pin.load(), Places.from_environment(os.environ)
    source, environment = checkout.find(pinned, places), install.find(pinned, places)
    if source is None or environment is None:
        print("The engine is not installed here: its parser is not asked.", file=sys.stderr)
        yield None
        return
    pipes: dict[str, Any] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
    }
    with subprocess.Popen(
        [environment.python, "-I", "-c", PARSE, source.source], text=True, **pipes
    ) as child:
        yield Parser(child)
        assert child.stdin
        child.stdin.close()


def command_line(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value is True:
            yield f"--{name}"
        elif isinstance(value, list):
            yield from (f"--{name}", *map(str, value))
        elif value is not False:
            yield f"--{name}={value}"


if __name__ == "__main__":
    sys.exit(main())
