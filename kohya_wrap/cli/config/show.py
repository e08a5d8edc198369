"""`kohya-wrap config show`: what a config means in the end, and where each value comes from."""

from __future__ import annotations

import os
import shlex
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

    CONFIG is ./training_config.toml unless named. These are the values that `run` gives the engine. What it takes from the images (the epochs, how captions are
    treated) is left open where they are not here; where files lie on its machine is added there. What is wrong with
    the config is said by `kohya-wrap config check`.

    \b
    kohya-wrap config show --origin --diff-defaults
    kohya-wrap config show my-lora/training_config.toml --gpu "RTX 3090"
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.config import shown
    from kohya_wrap.domain.finding import Level
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import as_run
    from kohya_wrap.workflow.effective import ConfigRequest

    request = ConfigRequest(config, gpu, words)
    run = as_run.of(request, Places.from_environment(os.environ), os.environ)
    found = run.found
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
            "images": run.images.train.images if run.images else None,
            "left_to_run": list(run.left),
            "options": options_data,
        }
        console.envelope("config show", data, findings=found.findings)
        return
    images = f", {run.images.train.images} images" if run.images else ""
    console.say(f"# {found.family.title} on {found.machine.preset.name}, {found.family.script}{images}")
    for line in shown.lines(values, with_origin=origin):
        console.say(line)
    if run.left:
        console.say(f"# Left to `run`, from the images ({run.why_not}): {', '.join(run.left)}")
    errors = sum(finding.level is Level.ERROR for finding in found.findings)
    if errors:
        counted = "1 error" if errors == 1 else f"{errors} errors"
        check = f"kohya-wrap config check {shlex.quote(str(config))}"
        console.say(f"# {counted} in it: {check}", style="red")
