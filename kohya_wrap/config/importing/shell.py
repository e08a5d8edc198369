"""A training script (sh, bat, ps1): the options on the command line of `train_network.py` or its SDXL sister."""

from __future__ import annotations

import re
from pathlib import Path

from kohya_wrap.config.importing import conflicts, refusal, script_run, words
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FAMILIES
from kohya_wrap.domain.finding import Finding, Level

KIND = "command line"
_SCRIPTS = {family.script: name for name, family in FAMILIES.items()}
_UNFILLED = re.compile(r"\$|%\w+%")
_PROCESSES = ("num_processes", "num_machines")


def looks_like_one(text: str) -> bool:
    """A command with a Python script and options, outside comments."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return bool(re.search(r"\w\.py\b", bare) and re.search(r"(^|\s)--\w", bare))


def read(path: Path, text: str) -> Source:
    """
    Raises:
        ConfigError: no command of it trains a LoRA for SD 1.5 or SDXL.
    """
    found = [(command, at) for command in script_run.commands(text) if (at := _script(command)) is not None]
    ours = [(command, at) for command, at in found if _name(command, at) in _SCRIPTS]
    if not ours:
        for command, at in found:
            if what := refusal.OTHER_SCRIPTS.get(_name(command, at)):
                raise refusal.other_training(path, what, f"It starts {_name(command, at)}")
        raise refusal.no_config(path, _why_none(text))
    command, at = ours[0]
    ledger = Ledger(_SCRIPTS[_name(command, at)])
    _launcher(ledger, command[:at])
    _options(path, ledger, command[at + 1 :])
    _say(ledger, len(ours))
    conflicts.settle(ledger)
    return ledger.close(path, KIND)


def _why_none(text: str) -> str:
    for command in script_run.commands(text):
        variables = [word for word in command if word.startswith("$")]
        if variables and any(word.startswith("--network_module") for word in command):
            return f"The script it starts is worked out by itself ({', '.join(variables)}): write its name there instead."
    return "It starts neither train_network.py nor sdxl_train_network.py."


def _script(command: tuple[str, ...]) -> int | None:
    """Where among its words the Python script stands."""
    return next((i for i, word in enumerate(command) if word.endswith(".py")), None)


def _name(command: tuple[str, ...], at: int) -> str:
    return re.split(r"[/\\]", command[at])[-1]


def _launcher(ledger: Ledger, before: tuple[str, ...]) -> None:
    for position, word in enumerate(before):
        if not word.startswith("--"):
            continue
        name, _, value = word.removeprefix("--").partition("=")
        if not value and position + 1 < len(before) and not before[position + 1].startswith("-"):
            value = before[position + 1]
        if name in _PROCESSES and value.isdecimal() and int(value) > 1:
            ledger.lose(word, value, "kohya-wrap trains on one GPU: each step saw as many batches")
        else:
            ledger.drop(word, value or True, "it is the launcher's, which kohya-wrap sets itself")


def _options(path: Path, ledger: Ledger, line: tuple[str, ...]) -> None:
    said = {given.option: given.value for given in words.read(line, ledger.table)}
    if said.get("v2"):
        raise refusal.other_training(path, "a LoRA for Stable Diffusion 2", "It says --v2")
    if family := refusal.OTHER_MODULES.get(str(said.get("network_module"))):
        raise refusal.other_training(path, f"a {family} LoRA", f"It says {said['network_module']}")
    for given in words.read(line, ledger.table):
        if _UNFILLED.search(given.word):
            ledger.lose(given.word, given.word, "the script puts it together itself: see there what it adds")
        elif given.why:
            ledger.lose(given.word, given.value, given.why)
        elif given.option == "config_file":
            ledger.lose(
                given.word, given.value, "its options stand in a file of their own, which is not read here"
            )
        else:
            _take(ledger, given)


def _take(ledger: Ledger, given: words.Given) -> None:
    """A value, or of a list those items, in which no variable of the script is left open."""
    values = given.value if isinstance(given.value, list) else [given.value]
    for open_one in (value for value in values if _UNFILLED.search(str(value))):
        ledger.lose(given.word, open_one, "the script does not set it to a plain value")
    if whole := [value for value in values if not _UNFILLED.search(str(value))]:
        ledger.take(given.word, given.option, whole if isinstance(given.value, list) else given.value)


def _say(ledger: Ledger, trainings: int) -> None:
    if trainings > 1:
        ledger.say(Finding(
            Level.WARNING, "several-trainings", f"the script trains {trainings} times; the first is imported.",
            "Import the others from a copy that holds them alone.",
        ))  # fmt: skip
    if config := ledger.lost_value("--config_file"):
        ledger.say(Finding(
            Level.WARNING, "config-file", f"the command also reads {config}, whose options are not in this import.",
            f"kohya-wrap config import {config}",
        ))  # fmt: skip
