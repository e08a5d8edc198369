"""`kohya-wrap plan calibrate`: others' measured runs, for one's own plans."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from kohya_wrap.cli import options


class WithCalibrate(click.Command):
    """`plan`, whose first word may be a command of its own: click's groups take no argument beside their commands."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] != ["calibrate"]:
            return super().make_context(info_name, args, parent, **extra)
        between = click.Context(click.Group(info_name), parent=parent, info_name=info_name)
        return command.make_context("calibrate", args[1:], between, **extra)


@click.command("calibrate")
@click.argument(
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    nargs=-1,
    required=True,
    metavar="FILE...",
)
@options.json_output
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Take over what others have measured: `plan` prefers measured runs to its model.

    Each finished `run` on a GPU appends a line to calibration.jsonl in kohya-wrap's home: seconds, memory, card, setup; no
    paths, no names. That is the FILE to share. Lines that are none, or of cards without a preset, are refused and said.

    \b
    kohya-wrap plan calibrate theirs.jsonl
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.wording import counted
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import calibrated

    merged = calibrated.merge(files, Places.from_environment(os.environ))
    console = Console(as_json=as_json)
    console.findings(merged.findings)
    console.say(
        f"{counted(merged.taken, 'run')} taken, {merged.known} known before, {counted(merged.refused, 'line')} refused; "
        f"{counted(merged.runs, 'measured run')} in {merged.path}"
    )
    if as_json:
        data = {name: getattr(merged, name) for name in ("taken", "known", "refused", "runs")}
        console.envelope("plan calibrate", data | {"file": str(merged.path)}, findings=merged.findings)
