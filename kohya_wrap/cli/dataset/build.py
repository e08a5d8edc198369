"""`kohya-wrap dataset build`: concept folders from pictures as people have them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.dataset.building import Built
    from kohya_wrap.workflow.build_dataset import Done


@click.command("build", short_help="Make a concept folder from your pictures.")
@click.argument("sources", nargs=-1, type=click.Path(readable=False, path_type=Path), metavar="[SRC]...")
@click.option("--concept", default="", metavar="NAME", help="Name of the folder: training_data/10_NAME.")
@click.option(
    "--project", type=click.Path(file_okay=False, path_type=Path), default=Path(), metavar="DIR",
    help="The project's folder.  [default: the current one]",
)  # fmt: skip
@click.option(
    "--repeats", metavar="N|auto",
    help="How often an epoch sees each picture; auto: 200 to 400 passes an epoch, concepts weighing equally.",
)  # fmt: skip
@click.option(
    "--trigger", metavar="TEXT", help="Words that will call the LoRA, written into captions that lack them."
)
@click.option(
    "--move-trigger-first/--leave-trigger", default=None,
    help="Move the trigger to the front where it is a tag further back.",
)  # fmt: skip
@click.option(
    "--resize", type=click.IntRange(0), metavar="SIDE",
    help="Shrink pictures to what a training at SIDE x SIDE uses of them; never enlarge. 0: as they are.",
)  # fmt: skip
@click.option(
    "--background", metavar="COLOUR|keep",
    help="What is laid under transparent places; keep leaves them transparent, for alpha_mask.  [default: white]",
)  # fmt: skip
@click.option(
    "--holdout", type=click.IntRange(0), metavar="N",
    help="Set N pictures aside, into held_out/NAME, never trained on, for judging the result. What lies there stays there.",
)  # fmt: skip
@click.option(
    "--reg", type=click.Path(readable=False, path_type=Path), metavar="SRC",
    help="Regularisation images, into reg_data/1_CLASS.",
)  # fmt: skip
@click.option(
    "--reg-class", default="", metavar="CLASS", help="Their class.  [default: the name of that folder]"
)
@click.option("--skip-broken", is_flag=True, help="Leave out what cannot be read, instead of refusing all.")
@options.json_output
def command(sources: tuple[Path, ...], project: Path, as_json: bool, **words: Any) -> None:
    """Make training_data/N_NAME from SRC: folders with all that is in them, pictures, or zips.

    SRC is only read: pictures are linked, or copied where links cannot be. What the engine would misread (turned by
    EXIF, transparent, CMYK, 16 bits, GIF, TIFF) is saved as PNG as you see it. Captions come along: .txt, .caption,
    metadata in JSON, JSONL or CSV. A linked picture is the same file as in SRC: an edit in place changes both.

    Safe to repeat: the same line again takes over what changed in SRC, and keeps captions that you edited meanwhile.
    Options that are not given, and SRC, are as the last time. Another SRC adds its pictures to those that stand there; to
    drop those of one that you do not name any more, delete them from the folder.

    \b
    kohya-wrap dataset build photos --concept mycat --trigger "sks cat"
    kohya-wrap dataset build photos.zip more/*.jpg --concept mycat --repeats auto --holdout 5
    kohya-wrap dataset build --concept mycat                  after changes in photos
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.errors import Interrupted
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import build_dataset

    console = Console(as_json=as_json)
    request = build_dataset.BuildRequest(project, sources, **words)
    try:
        with SetupDisplay(console) as display:
            done = build_dataset.run(request, Places.from_environment(os.environ), display.on_news)
    except KeyboardInterrupt:
        raise Interrupted(
            "Interrupted.",
            why="Ctrl-C. A build puts all that it made in its place at the end, or nothing.",
            hint="The same command again begins anew, and ends what was being put in place.",
        ) from None
    _say(console, done, project)
    if as_json:
        data = {
            "concept": as_data(done.concept) if done.concept else None,
            "regularisation": as_data(done.regularisation) if done.regularisation else None,
        }
        console.envelope("dataset build", data, findings=done.findings)


def _say(console: Console, done: Done, project: Path) -> None:
    from kohya_wrap.cli import as_typed

    if done.again:
        console.say(f"As {done.again_from}: {' '.join(done.again)}")
    for built in filter(None, (done.concept, done.regularisation)):
        for line in _lines(built):
            console.say(line)
    console.findings(done.findings)
    if done.concept:
        config = as_typed.path(project.absolute() / "training_config.toml")
        check = f"{as_typed.program()} dataset check {config}"
        init = f"{as_typed.program()} init {as_typed.path(project.absolute())}"
        console.say(f"\nNext: {check if done.config_is_there else init}")


def _lines(built: Built) -> list[str]:
    from kohya_wrap.cli import as_typed, plain

    captions = f"{built.captions} captions" if built.captions != 1 else "1 caption"
    trigger = f", trigger written into {built.triggers_written}" if built.triggers_written else ""
    lines = [f"{as_typed.path(built.folder)}: {_images(built.images)}, {captions}{trigger}"]
    changes = [
        f"{count} {what}"
        for count, what in ((built.added, "new"), (built.changed, "changed"), (built.removed, "removed"))
        if count
    ]
    if built.captions_changed:
        changes.append(f"{counted(built.captions_changed, 'caption')} changed")
    if built.unchanged or built.changed or built.removed:
        same = "1 picture as it was" if built.unchanged == 1 else f"{built.unchanged} pictures as they were"
        lines.append(f"  since the last build  {', '.join(changes) or 'nothing new'}; {same}")
    for reason, count in built.why_saved.items():
        lines.append(f"  saved as PNG          {count} {reason}")
    if built.renamed:
        few = ", ".join(f"{old} -> {new}" for old, new in built.renamed[:3])
        more = ", …" if built.renamed[3:] else ""
        lines.append(f"  renamed               {plain.one_line(f'{len(built.renamed)}: {few}{more}')}")
    if built.held:
        lines.append(f"  held out              {built.held}, in {as_typed.path(built.held_out)}")
    passes = built.images * built.number
    lines.append(f"  an epoch              {built.number} x {built.images} = {passes} image passes")
    return lines


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def as_data(built: Built) -> dict[str, Any]:
    return {
        "folder": str(built.folder),
        "repeats": built.number,
        "images": built.images,
        "captions": built.captions,
        "triggers_written": built.triggers_written,
        "saved_as_png": built.saved,
        "why_saved": built.why_saved,
        "renamed": [{"from": old, "to": new} for old, new in built.renamed],
        "held_out": built.held,
        "held_out_folder": str(built.held_out) if built.held else None,
        "added": built.added,
        "changed": built.changed,
        "removed": built.removed,
        "unchanged": built.unchanged,
        "captions_changed": built.captions_changed,
    }
