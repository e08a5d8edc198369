"""A training script (sh, ps1, bat, a notebook's cell): the options its command gives to the engine's script."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.config.importing import conflicts, engine_toml, refusal, script_findings, scripts, words
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.config.importing.scripts.marks import Marks, marked
from kohya_wrap.config.importing.scripts.scope import Command
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FAMILIES

KIND = "command line"
_SCRIPTS = {family.script: name for name, family in FAMILIES.items()}
_PROCESSES = ("num_processes", "num_machines")


@dataclass(frozen=True)
class Training:
    """A command that starts a script of the engine, the word at `at`."""

    command: Command
    at: int

    @property
    def script(self) -> str:
        return re.split(r"[/\\]", self.command.words[self.at])[-1]


def looks_like_one(text: str) -> bool:
    """A command with a Python script, outside comments."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    starts = r"""(^|[\s"'(])--\w|\b(python\S*|accelerate launch)[ \t]"""
    return bool(re.search(r"\w\.py\b", bare) and re.search(starts, bare))


def read(path: Path, text: str) -> Source:
    """
    Raises:
        ConfigError: it cannot be split into commands; none of them trains a LoRA for SD 1.5 or SDXL; or nothing of
            the one that does can be read.
    """
    script = scripts.follow(path.name, text)
    started = [Training(command, at) for command in script.commands if (at := _script(command)) is not None]
    ours = [training for training in started if training.script in _SCRIPTS]
    if not ours:
        for training in started:
            if what := refusal.OTHER_SCRIPTS.get(training.script):
                raise refusal.other_training(path, what, f"It starts {training.script}")
        raise refusal.no_config(path, _why_none(script))
    ours.sort(key=_certainty)  # of equals, as they stand
    training = ours[0]
    ledger = Ledger(_SCRIPTS[training.script])
    _launcher(ledger, training, script.marks)
    _options(path, ledger, training, script.marks)
    _cut_off(ledger, script, training.command)
    script_findings.say(path, ledger, [other.command for other in ours])
    conflicts.settle(ledger)
    return ledger.close(path, KIND)


def _certainty(training: Training) -> int:
    """What is run for certain first, what stands in a function that nothing calls last."""
    where = training.command.unfollowed
    return 0 if not where else 2 if "`function`" in where else 1


def _script(command: Command) -> int | None:
    """Where among its words the Python script stands that it starts."""
    if scripts.starts_nothing(command.words):
        return None
    return next((i for i, word in enumerate(command.words) if word.endswith(".py")), None)


def _why_none(script: scripts.Script) -> str:
    for command in script.commands:
        open_ones = [script.marks.shown(word) for word in command.words if marked(word)]
        if (
            open_ones
            and _script(command) is None
            and any(word.startswith("--network_module") for word in command.words)
        ):
            stood = ", ".join(open_ones)
            return f"Line {command.line} starts a script that is worked out ({stood}): write its name there instead."
    return "It starts neither train_network.py nor sdxl_train_network.py."


def _launcher(ledger: Ledger, training: Training, marks: Marks) -> None:
    before = training.command.words[: training.at]
    for position, word in enumerate(before):
        if not word.startswith("--"):
            continue
        name, _, value = word.removeprefix("--").partition("=")
        if not value and position + 1 < len(before) and not before[position + 1].startswith("-"):
            value = before[position + 1]
        word, value = marks.shown(word), marks.shown(value)
        if name in _PROCESSES and value.isdecimal() and int(value) > 1:
            ledger.lose(word, value, "kohya-wrap trains on one GPU: each step saw as many batches")
        else:
            ledger.drop(word, value or True, "it is the launcher's, which kohya-wrap sets itself")


def _options(path: Path, ledger: Ledger, training: Training, marks: Marks) -> None:
    given = list(words.read(training.command.words[training.at + 1 :], ledger.table))
    said = {one.option: one.value for one in given}
    if said.get("v2"):
        raise refusal.other_training(path, "a LoRA for Stable Diffusion 2", "It says --v2")
    if family := refusal.OTHER_MODULES.get(str(said.get("network_module"))):
        raise refusal.other_training(path, f"a {family} LoRA", f"It says {said['network_module']}")
    if isinstance(file := said.get("config_file"), str) and not marked(file):
        engine_toml.book_file(ledger, path.parent, file)  # first: the command line wins over it
    for one in given:
        _book(ledger, one, marks)
    says_nothing = not any(name.startswith("network_") for name in ledger.options)
    if says_nothing and (not ledger.options or ledger.lost_value("--config_file")):
        raise _nothing(path, ledger, training.command.line)


def _book(ledger: Ledger, given: words.Given, marks: Marks) -> None:
    word, value = marks.shown(given.word), _shown(given.value, marks)
    if marked(given.word) and (options := marks.options(given.word)):
        for option in options:  # of a whole list of arguments
            ledger.lose(option, word, marks.why(given.word), option.lstrip("-"))
    elif marked(given.word):
        ledger.lose(word, value, marks.why(given.word), word.lstrip("-"))
    elif given.why:
        ledger.lose(word, value, given.why, given.option)
    elif given.option != "config_file":
        _take(ledger, given, marks)
    elif why := marks.why(str(given.value)):
        ledger.lose(word, value, why)
    elif not ledger.has_booked("config_file"):
        ledger.lose(word, value, "that file, with options of its own, is not here")


def _take(ledger: Ledger, given: words.Given, marks: Marks) -> None:
    """A value, or of a list those items, in which nothing is unknown."""
    values = given.value if isinstance(given.value, list) else [given.value]
    for value in values:
        if marked(str(value)):
            ledger.lose(given.word, _shown(value, marks), marks.why(str(value)), given.option)
    if whole := [value for value in values if not marked(str(value))]:
        ledger.take(given.word, given.option, whole if isinstance(given.value, list) else given.value)


def _shown(value: str | list[str] | bool, marks: Marks) -> str | bool:
    if isinstance(value, list):
        return " ".join(marks.shown(item) for item in value)
    return marks.shown(value) if isinstance(value, str) else value


def _nothing(path: Path, ledger: Ledger, line: int) -> Exception:
    where = f"{path.name}:{line}"
    if file := ledger.lost_value("--config_file"):
        hint = f"kohya-wrap config import {shlex.quote(str(file))}"
        return refusal.nothing_read(where, f"Its options stand in {file}, which is not here.", hint)
    lost = next(iter(ledger.lost()), None)
    why = f"{lost.source}: {lost.why}." if lost else "It gives no options."
    return refusal.nothing_read(
        where, why, "Write the options into the command themselves, and import it again."
    )


def _cut_off(ledger: Ledger, script: scripts.Script, training: Command) -> None:
    """Lines of options that a comment or an empty line before them has cut off from the command."""
    after = script.commands[script.commands.index(training) + 1 :]
    for command in after:
        if not command.words or not command.words[0].startswith("-"):
            return
        why = f"line {command.line} is no part of the command: a comment or an empty line above ends it"
        for given in words.read(command.words, ledger.table):
            ledger.lose(script.marks.shown(given.word), _shown(given.value, script.marks), why)
