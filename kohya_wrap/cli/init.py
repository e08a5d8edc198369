"""`kohya-wrap init`: a project ready to train."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kohya_wrap.cli import options

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow.setup import Ready


@click.command("init", short_help="Make a project: engine, base model, images in place, config.")
@click.argument(
    "directory", type=click.Path(file_okay=False, path_type=Path), default=Path(), metavar="[DIR]"
)
@click.option(
    "--base",
    default="sd15",
    show_default=True,
    metavar="sd15|sdxl|illustrious|noobai|…|FILE|hf:…|civitai:…",
    help="The model the LoRA is for.",
)
@options.gpu("The card the training is for.")
@click.option("--concept", default="concept", show_default=True, help="Name of the folder and of the LoRA.")
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Your pictures and captions; copied or linked, never moved.",
)
@click.option(
    "--repeats", default="10", show_default=True, metavar="N|auto", help="How often an epoch sees each image."
)
@click.option(
    "--subject",
    type=click.Choice(["character", "style", "object"]),
    callback=lambda context, option, value: value or "",
    help="What the LoRA is of: rates, size and steps for that.  [default: the guide's values]",
)
@click.option("--steps", type=click.IntRange(1), help="Optimizer steps to aim at; the epochs follow from it.")
@click.option(
    "--trigger", default="", help="Words that will call the LoRA; written into every caption that lacks them."
)
@click.option("--engine", type=click.Choice(["real", "rehearsal"]), default="real", show_default=True)
@click.option("--full", is_flag=True, help="Fetch everything although the GPU is not in this machine.")
@options.provisioning
@options.json_output
@click.pass_context
def command(context: click.Context, /, directory: Path, as_json: bool, **words: Any) -> None:
    """Make DIR a project: engine, environment, base weights, images in place, config.

    Safe to repeat: what is found done is kept, what was cut off goes on.

    \b
    kohya-wrap init my-lora --base sdxl --images photos --concept mycat --trigger "sks cat"
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.setup import SetupRequest, set_up

    console = Console(as_json=as_json)
    given = (name for name in words if context.get_parameter_source(name) is not ParameterSource.DEFAULT)
    request = SetupRequest(directory, **words, asked=frozenset(given))
    with SetupDisplay(console) as display:
        ready = set_up(request, Places.from_environment(os.environ), os.environ, display.on_news)
    console.findings(ready.findings)
    _summary(console, ready, request.trigger)
    if as_json:
        console.envelope(
            "init",
            {
                "project": str(ready.project.root),
                "images": ready.images,
                "all_images": ready.all_images,
                "epochs": ready.plan.epochs if ready.plan else None,
                "steps": ready.plan.steps if ready.plan else None,
                "waits": list(ready.waits),
                "gpu": ready.preset.name if ready.preset else None,
                "config": str(ready.project.config),
                "config_kept": ready.config_kept,
                "can_train": ready.can_train,
                "licence": ready.licence,
            },
            findings=ready.findings,
        )


def _summary(console: Console, ready: Ready, trigger: str) -> None:
    from kohya_wrap.cli import as_typed
    from kohya_wrap.cli.plan_in_words import plan_in_words

    if ready.licence:
        console.say(f"\nLicence of the base, which your LoRA inherits: {ready.licence}")
    run = f"{as_typed.program()} run {as_typed.path(ready.project.config)}"
    console.say()
    if ready.plan:
        console.say(f"To train: {plan_in_words(ready.plan)}")
    if not ready.images:
        console.say(f"Put your images and captions (a.png with a.txt) into {as_typed.path(ready.folder)}.")
        if trigger:
            console.say("Then the same line again: it writes the trigger into captions that lack it.")
    if ready.can_train:
        console.say(f"Ready. Next: {run}" if ready.images else f"Then: {run}")
        return
    lacking = f"no {ready.preset.name}" if ready.preset else "no GPU"
    fetched = "nothing was downloaded" if ready.waits else "everything is downloaded"
    console.say(f"This machine has {lacking}: the project is prepared, {fetched}.")
    console.say(f"Bring it to the rented machine, e.g.: rsync -a {_folder(ready.project.root)} USER@HOST:")
    console.say("There, with kohya-wrap installed, the same line again does the rest.")
    console.say(f"To train on this CPU all the same (slow): {run} --gpu cpu")
    if ready.waits:
        console.say("To download everything to this machine now: the same line with --full")


def _folder(root: Path) -> str:
    """By its name also where it is the current folder: `rsync -a .` would strew its files."""
    from kohya_wrap.cli import as_typed

    return shlex.quote(str(root)) if root == Path.cwd() else as_typed.path(root)
