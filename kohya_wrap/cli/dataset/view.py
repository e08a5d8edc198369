"""`kohya-wrap dataset view`: what the engine is given for each image and caption."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from kohya_wrap.workflow.shown_view import ShownView


@click.command("view", short_help="Show what the engine is given for each image.")
@click.argument(
    "where",
    type=click.Path(readable=False, path_type=Path),
    default=Path("training_config.toml"),
    metavar="[CONFIG|DIR]",
)
@options.set_values
@options.json_output
def command(where: Path, words: tuple[str, ...], as_json: bool) -> None:
    """Show what the engine is given in place of the images and captions that CONFIG names, or that lie in DIR.

    One N_concept folder stands for the whole dataset that it lies in. `run` lays it out anew for every run: links under
    names that cannot be mistaken for each other, copies of those that the engine would misread, and one clean caption
    for each. Your own folder is only read.

    \b
    kohya-wrap dataset view my-lora/training_config.toml
    """
    from kohya_wrap.cli import plain
    from kohya_wrap.cli.console import Console
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import shown_view
    from kohya_wrap.workflow.effective import ConfigRequest

    request = ConfigRequest(where, words=words)
    view = shown_view.of(request, Places.from_environment(os.environ), os.environ)
    console = Console(as_json=as_json)
    lines = list(_lines(view))
    errors = [finding for finding in view.findings if finding.level is Level.ERROR]
    if not errors:
        console.findings(view.findings)
    for line in lines:
        of = f"{line['of']}/" if len(view.parts) > 1 else ""
        console.say(plain.one_line(f"{of}{line['view']}  <-  {line['source']}"))
        for why in line["converted"]:
            console.say(f"    converted: {why}", style="cyan")
        console.say(f"    {line['caption']}")
    converted = sum(bool(line["converted"]) for line in lines)
    console.say(
        f"{counted(len(lines), 'image')}, {converted} of them {'as a converted copy' if converted == 1 else 'as converted copies'}"
    )
    data = {"config": str(where), "images": lines, "converted": converted}
    if errors:
        raise _unusable(where, errors, view, data)
    if as_json:
        console.envelope("dataset view", data, findings=view.findings)


def _unusable(where: Path, errors: Sequence[Finding], view: ShownView, data: dict[str, Any]) -> Exception:
    from kohya_wrap.domain.finding import typed
    from kohya_wrap.errors import DatasetError

    return DatasetError(
        errors[0].message
        if len(errors) == 1
        else f"{len(errors)} files cannot be used, and `run` would not start.",
        why="Such a file is damaged, or is no picture or caption at all.",
        hint=errors[0].hint
        if len(errors) == 1
        else f"Mend them, and again: kohya-wrap dataset view {typed(where)}",
        findings=view.findings,
        data=data,
    )


def _lines(view: ShownView) -> Iterator[dict[str, Any]]:
    for option, folders in view.parts.items():
        for folder in folders:
            for entry in folder.entries:
                caption = entry.image.caption.path
                yield {
                    "of": option,
                    "view": f"{folder.name}/{entry.name}",
                    "source": str(entry.image.path),
                    "converted": list(entry.converted),
                    "caption_file": None if caption is None else str(caption),
                    "caption": entry.caption.removesuffix("\n"),
                }
