"""`kohya-wrap demo`: watch the whole way once."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kohya_wrap.cli import options


@click.command("demo", short_help="See the whole way once, on pictures drawn here.")
@click.option(
    "--engine",
    type=click.Choice(["real", "rehearsal"]),
    default=None,
    help="[default: real where it is installed]",
)
@options.gpu("The card for the real engine; the CPU where there is none.")
@options.engine_dir
@options.json_output
def command(engine: str | None, gpu: str, engine_dir: Path | None, as_json: bool) -> None:
    """Train on a dozen pictures drawn here: no GPU, no account and no download of weights.

    Without the engine installed it is a rehearsal, in seconds. `--engine real` installs the engine and trains it
    on a base of random weights.

    \b
    kohya-wrap demo
    kohya-wrap demo --engine real
    """
    from kohya_wrap import resources
    from kohya_wrap.cli import as_typed
    from kohya_wrap.cli.console import Console
    from kohya_wrap.cli.setup_display import SetupDisplay
    from kohya_wrap.cli.training import Session, as_data, say_result, train
    from kohya_wrap.config import presets
    from kohya_wrap.engine import install
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import demo, machine
    from kohya_wrap.workflow.prepare import JobRequest, prepare

    console, places = Console(as_json=as_json), Places.from_environment(os.environ)
    kind = engine or demo.installed_engine(places, engine_dir)
    known = presets.load(resources.presets())
    chosen = machine.choose(known, gpu, os.environ)
    preset = chosen.preset if machine.is_here(chosen) and chosen is not None else known.gpus["cpu"]
    if kind == "real" and demo.installed_engine(places, engine_dir) != "real":
        console.say(f"The real engine is not installed yet: {install.COST}, under {places.home}.")
    with demo.alone(kind, places):
        with SetupDisplay(console) as display:
            config = demo.lay_out(kind, preset, places, display.on_news, engine_dir)
        job = prepare(JobRequest(config, preset.name, engine_dir=engine_dir), places, os.environ)
        job, result = train(console, job, Session(places))
    say_result(console, result)
    if kind == "rehearsal":
        console.say(
            "\nThat was a rehearsal. The real engine, on a base of random weights, with everything it installs:"
        )
        console.say(f"  {as_typed.program()} demo --engine real     ({install.COST})")
    console.say("\nYour own pictures, for a rented card:")
    console.say(
        f'  {as_typed.program()} init my-lora --images FOLDER --concept mycat --trigger "sks cat" --gpu "RTX 4090"'
    )
    if as_json:
        console.envelope("demo", as_data(result), findings=(*job.findings, *result.findings))
