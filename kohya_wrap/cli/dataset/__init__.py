"""`kohya-wrap dataset`: the images and captions, before they cost anything."""

from __future__ import annotations

import click

from kohya_wrap.cli.chapters import Chapters

COMMANDS = ("build", "check", "caption", "preview", "apply", "view")


@click.group(
    "dataset",
    cls=Chapters,
    package="kohya_wrap.cli.dataset",
    names=COMMANDS,
    short_help="Prepare the images and captions.",
)
def command() -> None:
    """The images and captions of a training: what the trainer will see of them.

    \b
    kohya-wrap dataset build photos --concept mycat --trigger "sks cat"
    kohya-wrap dataset caption my-lora --with wd14
    """
