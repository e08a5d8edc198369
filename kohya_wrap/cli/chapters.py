"""A group whose commands are modules, each imported only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import click


class Chapters(click.Group):
    """Commands by module: `<package>.<name>` holds a click command `command`; a Python word gets a `_` after it."""

    def __init__(self, *args: Any, package: str, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._names = names  # in the order of --help

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._names:
            return None
        module = f"{cmd_name}_" if cmd_name in ("set", "import") else cmd_name
        command: click.Command = importlib.import_module(f"{self._package}.{module}").command
        return command
