"""--then and --then-always: two options whose words are done in the order in which they were typed, taken together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_BOTH = {"then": False, "then_always": True}


class Words(click.types.StringParamType):
    """In KOHYA_WRAP_RUN_THEN one a line: a command has blanks in it."""

    name = "words"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line for line in rv.splitlines() if line.strip()]


class Command(click.Command):
    """Gives its function `afterwards`: (words, whether on every end) in the order typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        rest = super().parse_args(ctx, args)
        said = {name: list(ctx.params.pop(name)) for name in _BOTH}
        typed = [(said[one.name].pop(0), _BOTH[one.name]) for one in order if one.name in said]
        by_variable = [(words, _BOTH[name]) for name, left in said.items() for words in left]
        ctx.params["afterwards"] = (*typed, *by_variable)
        return rest


def afterwards(command: F) -> F:
    what = "CMD|stop-instance|terminate-instance|upload:DEST"
    for option in (
        click.option("--then-always", multiple=True, type=Words(), metavar="...", help="The same on every end: failure, stop, cap, SIGTERM, Ctrl-C."),
        click.option("--then", multiple=True, type=Words(), metavar=what, help="When it has succeeded. Both may be repeated, and are done in the order given."),
    ):  # fmt: skip
        command = option(command)
    return command
