"""What `check` and `preview` are asked: which dataset, and what it is checked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from kohya_wrap.cli import options

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.argument(
        "where", type=click.Path(readable=False, path_type=Path), default=Path("training_config.toml"), metavar="[CONFIG|DIR]"
    ),
    click.option(
        "--trigger", metavar="TEXT", help="The words that shall call the LoRA.  [default: as the config says]"
    ),
    click.option(
        "--subject", type=click.Choice(["character", "style", "object"]), default=None,
        help="What the captions are judged for.  [default: as the config says]",
    ),
    click.option(
        "--family", type=click.Choice(["sd15", "sdxl"]), default=None, help="[default: that of the config's base]"
    ),
    options.gpu("The card that batches are counted for."),
    options.set_values,
)  # fmt: skip


def checked_for(command: F) -> F:
    """Gives the command where, trigger, subject, family, gpu and words."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
