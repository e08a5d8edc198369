"""`kohya-wrap dataset check`: what the trainer will really see, before it costs anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kohya_wrap.cli import options
from kohya_wrap.cli.dataset.checked_for import checked_for
from kohya_wrap.domain.finding import Level
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from kohya_wrap.config.presets import Subject


@click.command("check", short_help="Show what the trainer will see of each image.")
@checked_for
@options.json_output
def command(
    where: Path,
    trigger: str | None,
    subject: Subject | None,
    family: str | None,
    gpu: str,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what the trainer will see of the images and captions that CONFIG names, or that lie in DIR.

    One N_concept folder stands for the whole dataset that it lies in. Every file is read to its end. Buckets, batches
    and steps are the engine's own count. What is found of each image stands in --json.

    Exit code 0: `run` would start; 3: it would refuse what the config says of the images; 4: there are files that it
    cannot use.

    \b
    kohya-wrap dataset check my-lora/training_config.toml
    kohya-wrap dataset check photos --trigger "sks cat" --subject object --family sdxl
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.dataset.check_data import as_data
    from kohya_wrap.cli.dataset.check_display import reading, say, shortened
    from kohya_wrap.errors import DatasetError
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import check_dataset

    console = Console(as_json=as_json)
    request = check_dataset.CheckRequest(where, gpu, words, family or "", subject, trigger)
    with reading(console) as on_images:
        found = check_dataset.run(request, Places.from_environment(os.environ), os.environ, on_images)
    say(console, found)
    findings = shortened(found.findings)
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if errors:
        inside = all(Path(error.where).absolute().is_relative_to(found.folder.absolute()) for error in errors)
        raise DatasetError(
            f"{counted(len(errors), 'thing')} {f'in {found.folder} ' if inside else ''}to mend before a training.",
            why="Files that are damaged, captions it cannot read, or sizes that do not go with the config: named above.",
            hint=f"Mend them, and again: kohya-wrap dataset check {where}",
            findings=findings,
            data=as_data(found),
        )
    console.findings(findings)
    if as_json:
        console.envelope("dataset check", as_data(found), findings=findings)
