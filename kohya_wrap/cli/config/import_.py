"""`kohya-wrap config import`: the config of another tool, as ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console
    from kohya_wrap.config.importing.source import Left
    from kohya_wrap.workflow.import_config import Imported


@click.command("import", short_help="Take over a config of kohya_ss, sd-scripts or a trained LoRA.")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), default=Path("training_config.toml"), show_default=True,
    help="The config to write.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace what is there.")
@options.json_output
def command(source: Path, target: Path, force: bool, as_json: bool) -> None:
    """Write a training_config.toml that trains what FILE would have trained.

    FILE is read by what it holds: a config or preset of the kohya_ss GUI (JSON), a TOML of sd-scripts, a script with
    its command line (sh, bat, ps1, a notebook's cell), or a trained LoRA with its metadata. Each value is listed: kept,
    dropped, or not to be kept, and why. A script is not run: what it computes is named by its line.

    Where the engine cannot train that kind of LoRA, nothing is written (exit code 3). Where one line has to be changed
    first, as an optimizer that is not installed, the config is written and the line named (exit code 3, too).

    \b
    kohya-wrap config import presets/lora/my-preset.json
    kohya-wrap config import train.sh --to my-lora/training_config.toml
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import effective, import_config
    from kohya_wrap.workflow.import_config import ImportRequest

    console = Console(as_json=as_json)
    request = ImportRequest(source, target, force)
    imported = import_config.run(request, Places.from_environment(os.environ), os.environ)
    import_config.refuse_untrainable(imported)
    say(console, imported)
    effective.refuse(imported.findings)  # which says them all
    console.findings(imported.findings)
    if as_json:
        console.envelope("config import", as_data(imported), findings=imported.findings)


def say(console: Console, imported: Imported) -> None:
    from kohya_wrap.config.spellings import as_toml
    from kohya_wrap.domain.family import FAMILIES

    source = imported.source
    family = f", made for {FAMILIES[source.family].title}" if source.family else ""
    console.say(f"{source.path.name}: {source.kind}{family}")
    console.say(f"\nKept, {len(source.mapped)} values:")
    for mapped in source.mapped:
        renamed = "" if mapped.source.split()[-1].lstrip("-") == mapped.option else f"{mapped.source} -> "
        console.say(f"  {renamed}{mapped.option} = {as_toml(mapped.value)}")
    if imported.written:
        console.say("\nWritten, so that it stays as it was (the engine's own defaults):")
        console.say(
            "  " + ", ".join(f"{name} = {as_toml(value)}" for name, value in imported.written.items())
        )
    if source.dropped:
        console.say(f"\nDropped, {len(source.dropped)} values:")
        for why, left in _by_reason(source.dropped).items():
            console.say(f"  {', '.join(one.source for one in left)}: {why}")
    if source.lost:
        console.say(f"\nCould not be kept, {len(source.lost)} values:", style="yellow")
        for one in source.lost:
            what = one.source if one.value == "" else f"{one.source} = {one.value}"
            console.say(f"  {what}: {one.why}", style="yellow")
    if source.unset:
        console.say(f"\nLeft empty there, so the engine's default holds: {len(source.unset)} fields.")
    console.say("\nLeft open there, and decided by kohya-wrap:")
    for why, names in imported.may_differ.items():
        console.say(f"  {why}: {', '.join(names)}")
    console.say(f"\nWrote {' and '.join(str(file) for file in imported.files)}")


def _by_reason(left: tuple[Left, ...]) -> dict[str, list[Left]]:
    reasons: dict[str, list[Left]] = {}
    for one in left:
        reasons.setdefault(one.why, []).append(one)
    return reasons


def as_data(imported: Imported) -> dict[str, Any]:
    source = imported.source

    def left(values: tuple[Left, ...]) -> list[dict[str, Any]]:
        return [{"source": one.source, "value": one.value, "why": one.why} for one in values]

    return {
        "kind": source.kind,
        "family": source.family.value if source.family else None,
        "files": [str(file) for file in imported.files],
        "mapped": [{"source": one.source, "option": one.option, "value": one.value} for one in source.mapped],
        "written": dict(imported.written),
        "dropped": left(source.dropped),
        "lost": left(source.lost),
        "unset": list(source.unset),
        "may_differ": {why: list(names) for why, names in imported.may_differ.items()},
    }
