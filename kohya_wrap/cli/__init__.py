"""The command line: one module a command, imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from kohya_wrap import __version__

COMMANDS = ("init", "run", "demo")  # in the guide's order, as --help lists them


class _Chapters(click.Group):
    """Commands by module name: `kohya_wrap.cli.<name>` holds a click command `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"kohya_wrap.cli.{cmd_name}").command
        return command


@click.group(
    cls=_Chapters,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "KOHYA_WRAP",
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="kohya-wrap")
def kohya_wrap() -> None:
    """From a folder of images to a trained Stable Diffusion LoRA, on a GPU rented by the hour.

    \b
    kohya-wrap demo                                        the whole way in miniature
    kohya-wrap init my-lora --images photos --trigger "sks cat"
    kohya-wrap run my-lora/training_config.toml
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point: every way out goes through cli.errors."""
    from kohya_wrap.cli.errors import run_and_exit

    run_and_exit(kohya_wrap, list(sys.argv[1:] if argv is None else argv))
