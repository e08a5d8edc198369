"""`kohya-wrap config show`: what a config means in the end, and where each value comes from."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kohya_wrap.cli import options


@click.command("show", short_help="Show what a config means in the end.")
@options.config_file
@click.option("--origin", is_flag=True, help="Say beside each value where it comes from.")
@click.option("--diff-defaults", is_flag=True, help="Only what differs from the engine's own defaults.")
@options.gpu("The card it is shown for.")
@options.set_values
@options.json_output
def command(
    config: Path, origin: bool, diff_defaults: bool, gpu: str, words: tuple[str, ...], as_json: bool
) -> None:
    """Show every option that CONFIG trains with: its own, the card's, the recipe's, kohya-wrap's, the engine's.

    Where neither epochs nor steps are set, `run` solves the epochs from the images. What is wrong with the config
    is said by `kohya-wrap config check`.

    \b
    kohya-wrap config show --origin --diff-defaults
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.config import shown
    from kohya_wrap.domain.finding import Level
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import effective

    request = effective.ConfigRequest(config, gpu, words)
    found = effective.of(request, Places.from_environment(os.environ), os.environ)
    values = shown.effective_values(found.config, found.table, only_differing=diff_defaults)
    console = Console(as_json=as_json)
    if as_json:
        options_data = {
            name: {"value": value.value, "origin": value.origin.name.lower(), "detail": value.detail}
            for name, value in values.items()
        }
        data = {
            "config": str(config),
            "family": found.family.name.value,
            "gpu": found.machine.preset.name,
            "options": options_data,
        }
        console.envelope("config show", data, findings=found.findings)
        return
    console.say(f"# {found.family.title} on {found.machine.preset.name}, {found.family.script}")
    for line in shown.lines(values, with_origin=origin):
        console.say(line)
    errors = sum(finding.level is Level.ERROR for finding in found.findings)
    if errors:
        console.say(f"# {errors} errors in it: kohya-wrap config check {config}", style="red")
