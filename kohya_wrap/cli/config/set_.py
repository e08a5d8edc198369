"""`kohya-wrap config set`: change values of a config file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kohya_wrap.cli import options


@click.command("set", short_help="Change values of a config file.")
@click.argument("words", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option(
    "--file",
    "config",
    type=click.Path(path_type=Path),
    default=Path("training_config.toml"),
    show_default=True,
    metavar="FILE",
    help="The config to change.",
)
@options.json_output
def command(words: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Change values of a config file; comments and order stay. A value that cannot be right changes nothing.

    Texts need no quotes; a list is written as in TOML. A key of the wrapper's own sections is written with the section's
    name before it: kohya_wrap.subject, gpu.preset. For one run only, without changing the file: `run --set`.

    \b
    kohya-wrap config set learning_rate=2e-4 network_dim=16
    kohya-wrap config set 'network_args=["conv_dim=4", "conv_alpha=2"]'
    kohya-wrap config set kohya_wrap.price_per_hour=0.69 --file my-lora/training_config.toml
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.config.spellings import as_toml
    from kohya_wrap.domain.config import shown
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.set_values import set_values

    written = set_values(config, words, Places.from_environment(os.environ), os.environ)
    console = Console(as_json=as_json)
    data = []
    for change in written.changes:
        old, new = shown(change.key, change.old), shown(change.key, change.new)
        what = f"{as_toml(old)} -> {as_toml(new)}" if old is not None else f"{as_toml(new)} (new)"
        what = what if change.old != change.new else f"{as_toml(new)} (as it was)"
        console.say(f"{config.name}:{change.line}: {change.key} = {what}")
        for comment in change.gone:
            console.say(f"  gone with what it stood beside: {comment}")
        data.append(
            {"key": change.key, "line": change.line, "old": old, "new": new, "gone": list(change.gone)}
        )
    console.findings(written.findings)
    if as_json:
        console.envelope("config set", {"config": str(config), "changes": data}, findings=written.findings)
