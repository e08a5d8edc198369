"""What is to be said of a script beside the values of its training command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.config.importing.scripts.scope import Command
from kohya_wrap.domain.finding import Finding, Level


def say(path: Path, ledger: Ledger, trainings: Sequence[Command]) -> None:
    """Args: trainings: the imported one, then the others."""
    first, others = trainings[0], [command for command in trainings[1:] if not command.unfollowed]
    where = f"{path.name}:{first.line}"
    for command in trainings[1:]:
        if command.unfollowed:
            ledger.say(Finding(
                Level.NOTE, "training-left-out",
                f"another training command stands {command.unfollowed}, which is not followed: it is not imported.",
                where=f"{path.name}:{command.line}",
            ))  # fmt: skip
    if others:
        lines = ", ".join(str(command.line) for command in others)
        ledger.say(Finding(
            Level.WARNING, "several-trainings",
            f"the script trains {len(others) + 1} times: the command of line {first.line} is imported, not that of line {lines}.",
            "Import the others from a copy that holds them alone.", where,
        ))  # fmt: skip
    if first.unfollowed:
        ledger.say(Finding(
            Level.WARNING, "not-followed",
            f"the training command stands {first.unfollowed}, which is not followed: whether and how often it runs is not known.",
            where=where,
        ))  # fmt: skip
    if config := ledger.lost_value("--config_file"):
        ledger.say(Finding(
            Level.WARNING, "config-file", f"the command also reads {config}, whose options are not in this import.",
            f"kohya-wrap config import {shlex.quote(str(config))}", where,
        ))  # fmt: skip
