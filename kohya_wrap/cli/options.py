"""Options that several commands share, said once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

json_output = click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="KOHYA_WRAP_JSON",
    help="One JSON object on stdout; words go to stderr.",
)
set_values = click.option(
    "--set",
    "words",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a value for this once, over file and environment: learning_rate=2e-4, kohya_wrap.subject=style. "
    "May be repeated.",
)


class _LinePerWord(click.types.StringParamType):
    """A text whose variable holds several, one a line: a command has spaces of its own."""

    envvar_list_splitter = "\n"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line.strip() for line in super().split_envvar_value(rv) if line.strip()]


notify = click.option(
    "--notify",
    multiple=True,
    type=_LinePerWord(),
    envvar="KOHYA_WRAP_NOTIFY",
    metavar="URL|COMMAND",
    help="Tell it when the run ends, and of what goes wrong before: a POST of JSON, or a command. May be repeated; "
    "in KOHYA_WRAP_NOTIFY one a line.",
)
config_file = click.argument(
    "config", type=click.Path(path_type=Path), default=Path("training_config.toml"), metavar="[CONFIG]"
)
project_or_run = click.argument(
    "where", type=click.Path(exists=True, path_type=Path), default=Path(), metavar="[WHERE]"
)
engine_dir = click.option(
    "--engine-dir", type=click.Path(path_type=Path), help="An sd-scripts checkout of your own, used as it is."
)
reuse_torch = click.option(
    "--reuse-torch", is_flag=True, help="Build on the torch this image brings instead of installing one."
)
allow_pickle = click.option(
    "--allow-pickle", is_flag=True, help="Take a .ckpt base, which can run code when it is opened."
)


class Amount(click.FloatRange):
    """More than 0, and a number: NaN is below no limit, so that it would be none."""

    def __init__(self, least: float = 0.0) -> None:
        super().__init__(min=least, min_open=not least)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no amount.", param, ctx)
        return number


def gpu(purpose: str) -> Callable[[F], F]:
    help = f'{purpose} By its name, "RTX 4090", or its memory, "24 GB"; auto: the one in this machine.'
    return click.option("--gpu", default="auto", show_default=True, metavar="auto|cpu|NAME", help=help)


def provisioning(command: F) -> F:
    """What decides how engine and weights are provided."""
    for option in (allow_pickle, reuse_torch, engine_dir):
        command = option(command)
    return command
