"""`kohya-wrap config check`: what is wrong with a config, all of it, before it costs anything."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from kohya_wrap.cli import options
from kohya_wrap.domain.finding import Finding, Level


@click.command("check", short_help="Name all that is wrong with a config.")
@options.config_file
@options.gpu("The card it is checked for.")
@options.set_values
@options.json_output
def command(config: Path, gpu: str, words: tuple[str, ...], as_json: bool) -> None:
    """Name all that is wrong with CONFIG, each with its line and what to type.

    CONFIG is ./training_config.toml unless named. Needs no GPU, no images, no base model and no engine: what stands in
    for them is said. Errors keep `run` from starting, warnings do not. Exit code 0: no errors; 3: errors.

    \b
    kohya-wrap config check
    kohya-wrap config check my-lora/training_config.toml --gpu "RTX 3090"
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.errors import ConfigError
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import effective

    request = effective.ConfigRequest(config, gpu, words)
    found = effective.of(request, Places.from_environment(os.environ), os.environ)
    counted = f"{config.name}: {_counts(found.findings)}"
    if any(finding.level is Level.ERROR for finding in found.findings):
        raise ConfigError(
            f"{counted}.",
            why="The engine would ignore these lines or fail on them late, so `run` does not start.",
            hint=f"Mend them, and again: kohya-wrap config check {shlex.quote(str(config))}",
            findings=found.findings,
        )
    console = Console(as_json=as_json)
    console.findings(found.findings)
    console.say(f"{counted}. {found.family.title}, {found.family.script}, {found.machine.preset.name}")
    if as_json:
        data = {
            "config": str(config),
            "family": found.family.name.value,
            "script": found.family.script,
            "gpu": found.machine.preset.name,
            **{f"{level.value}s": _count(found.findings, level) for level in Level},
        }
        console.envelope("config check", data, findings=found.findings)


def _count(findings: Sequence[Finding], level: Level) -> int:
    return sum(finding.level is level for finding in findings)


def _counts(findings: Sequence[Finding]) -> str:
    counts = [(_count(findings, level), level.value) for level in (Level.ERROR, Level.WARNING, Level.NOTE)]
    errors, *others = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts]
    return ", ".join(
        [
            errors if counts[0][0] else "no errors",
            *(o for o, (n, _) in zip(others, counts[1:], strict=True) if n),
        ]
    )
