"""`kohya-wrap dataset apply`: captions edited in the preview page, written into the dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow.apply_captions import Applied


@click.command("apply", short_help="Write captions edited in the page into the dataset.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.argument("where", type=click.Path(path_type=Path), required=False, metavar="[PROJECT|DIR]")
@click.option("--dry-run", is_flag=True, help="Show what would change, as a diff; write nothing.")
@click.option(
    "--skip-changed",
    is_flag=True,
    help="Leave captions that have changed since, or whose image is another one or gone.",
)
@options.json_output
def command(file: Path, where: Path | None, dry_run: bool, skip_changed: bool, as_json: bool) -> None:
    """Write the captions of FILE, which the page of `dataset preview` saved, into the dataset that it was made of.

    PROJECT names it where it lies elsewhere now. All are written, or none: where one has changed since the page was
    made, it is named and nothing is written. What is replaced is kept in a backup. Each file has all edits since the
    page was made: the newest is enough.

    \b
    kohya-wrap dataset apply ~/Downloads/captions-20261130-152500.json --dry-run
    kohya-wrap dataset apply ~/Downloads/captions-20261130-152500.json my-lora
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow.apply_captions import ApplyRequest, apply

    applied = apply(ApplyRequest(file, where, skip_changed, dry_run), os.environ)
    console = Console(as_json=as_json)
    _diff(console, applied)
    _say(console, applied, dry_run=dry_run)
    console.findings(applied.findings)
    if as_json:
        console.envelope("dataset apply", _as_data(applied, dry_run=dry_run), findings=applied.findings)


def _diff(console: Console, applied: Applied) -> None:
    from kohya_wrap.dataset import caption_files

    for line in caption_files.diff(applied.changes, applied.root):
        style = {"+": "green", "-": "red"}.get(line[0]) if line[:3] not in ("+++", "---") else "bold"
        console.say(line, style=style)


def _say(console: Console, applied: Applied, *, dry_run: bool) -> None:
    from kohya_wrap.cli import as_typed

    number = len(applied.changes)
    said = f"{number} caption{'' if number == 1 else 's'} {'would be ' if dry_run else ''}written"
    console.say(f"{said}, {applied.standing} written before" if applied.standing else said)
    if applied.backup:
        console.say(
            f"As they were: {as_typed.path(applied.backup)}   "
            f"back with: cp -r {as_typed.path(applied.backup)}/. {as_typed.path(applied.back_to)}"
        )


def _as_data(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    return {
        "root": str(applied.root),
        "dry_run": dry_run,
        "changes": [
            {"caption": str(change.path), "old": change.old, "new": change.new} for change in applied.changes
        ],
        "standing": applied.standing,
        "backup": str(applied.backup) if applied.backup else None,
        "back_to": str(applied.back_to) if applied.backup else None,
    }
