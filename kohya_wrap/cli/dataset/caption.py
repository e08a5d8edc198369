"""`kohya-wrap dataset caption`: captions made by a captioner, and edited."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow.caption import Captioned


@click.command("caption", short_help="Write captions with a tagger; edit them.")
@click.argument(
    "where", type=click.Path(readable=False, path_type=Path), default=Path(), metavar="[PROJECT|DIR]"
)
@click.option(
    "--with", "by", type=click.Choice(["wd14", "blip", "none"]),
    help="Who writes them: booru tags, sentences, or the trigger alone.",
)  # fmt: skip
@click.option(
    "--model", default="", metavar="NAME|hf:OWNER/REPO|DIR|FILE",
    help="Another tagger: wd-swinv2-tagger-v3 (0.5 GB), one of the Hub, a folder; for blip a .pth file."
    "  [default: wd-eva02-large-tagger-v3, 1.3 GB]",
)  # fmt: skip
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.35, show_default=True,
    help="How sure wd14 must be of a tag.",
)  # fmt: skip
@click.option(
    "--character-threshold", type=click.FloatRange(0, 1), default=0.85, show_default=True,
    help="The same for names of characters.",
)  # fmt: skip
@click.option(
    "--prefix", metavar="WORDS", help="Put in front of every caption that lacks it, the trigger say."
    "  [default: the project's trigger, in front of new captions]",
)  # fmt: skip
@click.option("--remove", multiple=True, metavar="TAG[,TAG…]", help="Take tags out; may be repeated.")
@click.option(
    "--replace", multiple=True, metavar="OLD=NEW", help="Put one tag in place of another; may be repeated."
)
@click.option("--dedupe", is_flag=True, help="Keep the first of equal tags.")
@click.option("--overwrite", is_flag=True, help="Let the captioner replace captions that a person wrote.")
@click.option("--dry-run", is_flag=True, help="Show what would change, as a diff; write nothing.")
@click.option(
    "--batch", type=click.IntRange(1), default=4, show_default=True, help="Pictures at a time, for wd14."
)
@options.engine_dir
@options.json_output
def command(
    where: Path,
    by: Any,
    prefix: str | None,
    remove: tuple[str, ...],
    replace: tuple[str, ...],
    dedupe: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **captioner: Any,
) -> None:
    """Write a caption for every picture that has none, and edit those that are there.

    Of a project all its concept folders are taken; of one N_concept folder its own pictures alone.

    A caption that a person wrote, or has changed, is not replaced without --overwrite; the edits change all captions,
    tag by tag, and leave the rest of each as it is. What is changed is kept in a backup. Run again, it goes on where it
    was, and renews its own captions where the model, the thresholds or the picture changed.

    wd14 writes booru tags, for bases that were trained on them, and runs on this machine without torch. blip writes
    sentences, by the engine's script in the engine's environment; never run so far with the real model.

    \b
    kohya-wrap dataset caption my-lora --with wd14
    kohya-wrap dataset caption my-lora --remove "solo, simple background" --replace "kitten=cat" --dry-run
    kohya-wrap dataset caption photos --with none --prefix "sks cat"
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.domain.caption_edits import Edits
    from kohya_wrap.domain.finding import Level
    from kohya_wrap.places import Places
    from kohya_wrap.workflow.caption import CaptionRequest, caption

    _refuse_idle(by)
    edits = Edits(_pairs(replace), _listed(remove), dedupe, (prefix or "").strip())
    request = CaptionRequest(
        where, _captioner(by, **captioner), edits, prefix is None, overwrite=overwrite, dry_run=dry_run
    )
    console = Console(as_json=as_json)
    with SetupDisplay(console) as display:
        done = caption(request, Places.from_environment(os.environ), os.environ, display.on_news)
    if dry_run:
        _diff(console, done)
    _say(console, done, "" if by == "none" else " (--overwrite)", dry_run=dry_run)
    errors = [finding for finding in done.findings if finding.level is Level.ERROR]
    if errors:
        raise _unread(done, len(errors), _as_data(done, dry_run=dry_run))
    console.findings(done.findings)
    if as_json:
        console.envelope("dataset caption", _as_data(done, dry_run=dry_run), findings=done.findings)


# Option -> the captioners that look at it.
_LOOKED_AT_BY = {
    "model": ("wd14", "blip"), "threshold": ("wd14",), "character_threshold": ("wd14",), "batch": ("wd14",),
    "engine_dir": ("blip",),
}  # fmt: skip


def _refuse_idle(by: str | None) -> None:
    """Raises UsageError: an option was typed that this captioner does not look at."""
    from kohya_wrap.errors import UsageError

    context = click.get_current_context()
    for name, captioners in _LOOKED_AT_BY.items():
        typed = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if typed and by not in captioners:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{option} does nothing {f'with --with {by}' if by else 'without a captioner'}.",
                why=f"It is an option of {' and '.join(captioners)}.",
                hint=f"--with {captioners[0]} {option} …, or leave {option} out.",
            )


def _captioner(by: Any, *, threshold: float, character_threshold: float, **more: Any) -> Any:
    from kohya_wrap.dataset.tagging.wd14 import Thresholds
    from kohya_wrap.workflow.captioners import Captioner

    return Captioner(by, thresholds=Thresholds(threshold, character_threshold), **more) if by else None


def _listed(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tag for word in words for part in word.split(",") if (tag := part.strip()))


def _pairs(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    from kohya_wrap.errors import UsageError

    pairs = []
    for word in words:
        old, equals, new = word.partition("=")
        if not equals or not old.strip() or "," in old:
            raise UsageError(
                f"--replace {word!r} is not OLD=NEW.",
                why="One tag, an equals sign, and what stands in its place; an empty NEW removes it.",
                hint='--replace "kitten=cat"',
            )
        pairs.append((old.strip(), new.strip()))
    return tuple(pairs)


def _diff(console: Console, done: Captioned) -> None:
    from kohya_wrap.dataset import caption_files

    for line in caption_files.diff((*done.edited, *done.made), done.root):
        style = {"+": "green", "-": "red"}.get(line[0]) if line[:3] not in ("+++", "---") else "bold"
        console.say(line, style=style)


def _say(console: Console, done: Captioned, to_replace: str, *, dry_run: bool) -> None:
    from kohya_wrap.cli import as_typed

    would = "would be " if dry_run else ""
    made = f"{counted(len(done.made), 'caption')} {would}written" if done.captioned else ""
    made += f", with {' or '.join(map(repr, done.triggers))} in front" if done.made and done.triggers else ""
    said = [
        made,
        f"{counted(len(done.edited), 'caption')} {would}edited" if done.edited or not done.captioned else "",
        f"{done.current} from an earlier run up to date" if done.current else "",
        f"{done.kept} by a person, not replaced{to_replace}" if done.kept else "",
        f"{done.passed_over} passed over, as is said below" if done.passed_over else "",
    ]
    console.say(f"{counted(done.images, 'picture')}: {'; '.join(filter(None, said))}")
    if done.backup:
        console.say(
            f"As they were: {as_typed.path(done.backup)}   "
            f"back with: cp -r {as_typed.path(done.backup)}/. {as_typed.path(done.back_to)}"
        )


def _unread(done: Captioned, errors: int, data: dict[str, Any]) -> Exception:
    from kohya_wrap.errors import DatasetError

    first = next(finding for finding in done.findings if finding.level.value == "error")
    return DatasetError(
        f"{counted(errors, 'file')} could not be read; the others are done.",
        why="Such a file is damaged, closed to you, or no picture or caption at all; the engine would die of it.",
        hint=first.hint,
        findings=done.findings,
        data=data,
    )


def _as_data(done: Captioned, *, dry_run: bool) -> dict[str, Any]:
    def changes(which: Any) -> list[dict[str, Any]]:
        return [{"caption": str(change.path), "old": change.old, "new": change.new} for change in which]

    return {
        "root": str(done.root),
        "dry_run": dry_run,
        "images": done.images,
        "passed_over": done.passed_over,
        "made": changes(done.made),
        "edited": changes(done.edited),
        "kept": done.kept,
        "current": done.current,
        "triggers": list(done.triggers),
        "backup": str(done.backup) if done.backup else None,
        "back_to": str(done.back_to) if done.backup else None,
    }
