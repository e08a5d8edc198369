"""`kohya-wrap config`: the config of a training, looked at, checked, changed, brought from elsewhere."""

from __future__ import annotations

import click

from kohya_wrap.cli.chapters import Chapters

COMMANDS = ("show", "check", "set", "import")


@click.group(
    "config",
    cls=Chapters,
    package="kohya_wrap.cli.config",
    names=COMMANDS,
    short_help="Show, check, change or import a training config.",
)
def command() -> None:
    """What a training config says, what is wrong with it, and where each value comes from.

    \b
    kohya-wrap config check my-lora/training_config.toml
    """
