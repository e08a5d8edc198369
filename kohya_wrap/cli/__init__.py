"""The command line: one module a command, imported only when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kohya_wrap import __version__
from kohya_wrap.cli.chapters import Chapters

COMMANDS = (
    "plan",
    "init",
    "dataset",
    "config",
    "run",
    "status",
    "stop",
    "logs",
    "demo",
)  # in the guide's order, as --help lists them


@click.group(
    cls=Chapters,
    package="kohya_wrap.cli",
    names=COMMANDS,
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
