"""`kohya-wrap dataset preview`: the dataset as a page to look at, and to edit captions in."""

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


@click.command("preview", short_help="Lay the dataset out as a page to look at and edit in.")
@checked_for
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="The page.  [default: output/dataset.html of the project; without one, dataset.html here]",
)  # fmt: skip
@options.json_output
def command(
    where: Path,
    out: Path | None,
    trigger: str | None,
    subject: Subject | None,
    family: str | None,
    gpu: str,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write one HTML page of the images and captions that CONFIG names, or that lie in DIR.

    One N_concept folder stands for the whole dataset that it lies in. The page shows each image with what is cut away of
    it, its caption, and what `dataset check` finds of it. Everything is in the one file: it may be opened anywhere, also
    on a phone, and asks the network for nothing. Captions that are edited in the page are saved in your downloads, each
    time as a new file with all edits; the page shows the `dataset apply` that writes them into the dataset.

    \b
    kohya-wrap dataset preview my-lora/training_config.toml
    kohya-wrap dataset preview photos --out photos.html
    """
    from kohya_wrap.cli import as_typed
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.dataset.check_display import reading
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import preview_dataset
    from kohya_wrap.workflow.check_dataset import CheckRequest
    from kohya_wrap.workflow.preview_dataset import PreviewRequest

    console = Console(as_json=as_json)
    asked = CheckRequest(where, gpu, words, family or "", subject, trigger)
    with reading(console) as on_images:
        made = preview_dataset.run(
            PreviewRequest(asked, out, as_typed.program()),
            Places.from_environment(os.environ),
            os.environ,
            on_images,
            on_images,
        )
    checked = made.found.checked
    counts = [sum(finding.level is level for finding in made.found.findings) for level in reversed(Level)]
    said = ", ".join(
        counted(number, level.value) for number, level in zip(counts, reversed(Level), strict=True) if number
    )
    console.say(f"{counted(len(checked.images), 'image')}, {said or 'nothing found'}")
    console.say(f"The page: {as_typed.path(made.path)} ({made.size / 1e6:.1f} MB). Open it in a browser.")
    if as_json:
        data = {
            "page": str(made.path),
            "bytes": made.size,
            "images": len(checked.images),
            **{f"{level.value}s": number for level, number in zip(reversed(Level), counts, strict=True)},
        }
        console.envelope("dataset preview", data, findings=made.found.findings)
