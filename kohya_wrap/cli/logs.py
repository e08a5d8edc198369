"""`kohya-wrap logs`: what the engine says."""

from __future__ import annotations

import time
from pathlib import Path

import click

from kohya_wrap.cli import options
from kohya_wrap.cli.looking_on import looking_on


@click.command("logs", short_help="Show what the engine says.")
@options.project_or_run
@click.option("--follow", "-f", is_flag=True, help="Go on with what it says, until the run ends.")
@click.option(
    "--lines", "-n", type=click.IntRange(min=0), default=50, show_default=True, help="The last so many."
)
def command(where: Path, follow: bool, lines: int) -> None:
    """Show the last lines of the engine's own log, of the run that is at work in WHERE or the last one.

    \b
    kohya-wrap logs -f
    kohya-wrap logs my-lora -n 500
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.host.child import LineReader
    from kohya_wrap.workflow import watched
    from kohya_wrap.workflow.run_folder import RunFolder

    console = Console()
    found = watched.one_at_work(where)
    log = RunFolder(found.run).log
    if not log.exists():  # nothing was said yet; a folder that is there to be read only has one
        log.touch()
    reader = LineReader(log)
    said = reader.new()
    with looking_on(where):
        for line in said[len(said) - lines :] if lines else ():
            console.say(line)
        while follow:
            going = watched.status(found.run).is_at_work
            for line in reader.new(last=not going):
                console.say(line)
            if not going:
                return
            time.sleep(0.5)
