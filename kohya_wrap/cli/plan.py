"""`kohya-wrap plan`: does it fit, how long, how much, before a cent is spent."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import click

from kohya_wrap.cli import options
from kohya_wrap.cli.calibrate import WithCalibrate

_CONFIG = Path("training_config.toml")


@click.command(
    "plan", cls=WithCalibrate, short_help="Before paying: does it fit, how long, how much, on each GPU."
)
@click.argument(
    "wheres", type=click.Path(readable=False, path_type=Path), nargs=-1, metavar="[CONFIG|DIR]..."
)
@click.option(
    "--gpu", "gpus", multiple=True, metavar="NAME", help="Only this card. May be repeated.  [default: all that are known]"
)  # fmt: skip
@click.option(
    "--budget", type=options.Amount(), metavar="DOLLARS", help="Only cards on which it costs no more."
)
@click.option("--explain", metavar="GPU", help="Show the arithmetic for this card.")
@click.option(
    "--base", metavar="MODEL", help="As `init` takes it: sd15, sdxl, a file, ...  [default: the config's; sd15 for images]"
)  # fmt: skip
@click.option(
    "--vram",
    type=click.IntRange(4, 1024),
    metavar="GB",
    help="A card of another name: its memory, with --tflops.",
)
@click.option(
    "--tflops", type=options.Amount(), metavar="RATE",
    help="And its dense 16-bit tensor rate with 32-bit sums, as data sheets have it.",
)  # fmt: skip
@click.option(
    "--mbits", type=options.Amount(least=1), default=300.0, show_default=True, metavar="MBIT/S",
    help="What the rented machine downloads in a second: set-up fetches 6 to 12 GB.",
)  # fmt: skip
@click.option(
    "--own", metavar="NAME", help="Beside the rented ones: a card of your own, its hours and electricity."
)
@click.option("--kwh", type=options.Amount(), metavar="DOLLARS", help="Of a kilowatt-hour, with --own.")
@click.option(
    "--live", is_flag=True, help="Today's prices of RunPod and Vast.ai, asked for; others stay dated."
)
@options.set_values
@options.json_output
def command(
    wheres: tuple[Path, ...],
    gpus: tuple[str, ...],
    budget: float | None,
    explain: str | None,
    base: str | None,
    vram: int | None,
    tflops: float | None,
    mbits: float,
    own: str | None,
    kwh: float | None,
    live: bool,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what CONFIG, or the images in DIR with the guide's values, would need and cost on each GPU, the cheapest first.

    Several: what one session saves against a machine for each.

    Nothing is fetched, nothing written, no network (but for --live) and no GPU are needed. Steps are the engine's own count. Memory is
    counted from the engine's own step, and never measured on a GPU by us; hours are right within a factor of two, less
    where runs of yours were measured. Prices are dated snapshots.

    \b
    kohya-wrap plan my-lora/training_config.toml --budget 5
    kohya-wrap plan photos --base sdxl --gpu "RTX 4090" --gpu L40S
    kohya-wrap plan --explain "RTX 3090"
    kohya-wrap plan cat.toml dog.toml fox.toml
    kohya-wrap plan --own "RTX 3060 12GB" --kwh 0.30
    kohya-wrap plan --live
    kohya-wrap plan calibrate FILE...        others' measured runs (a folder of that name: ./calibrate)
    """
    from kohya_wrap.cli import plan_display, sessions_display
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.finding import typed
    from kohya_wrap.errors import UsageError
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import plan

    if (vram is None) != (tflops is None):
        raise UsageError(
            "--vram and --tflops belong together.",
            why="One says whether it fits, the other how long it takes.",
            hint="--vram 24 --tflops 165",
        )
    figures = (vram, tflops) if vram is not None and tflops is not None else None
    if figures and len(gpus) > 1:
        raise UsageError(
            "--vram and --tflops are those of one card.",
            why=f"{len(gpus)} are named with --gpu.",
            hint=f'--gpu "{gpus[0]}" --vram {vram} --tflops {tflops:g}',
        )
    if len(wheres) > 1 and (own or kwh is not None or explain):
        raise UsageError(
            "--own, --kwh and --explain are of one config.",
            why=f"{len(wheres)} are named.",
            hint=f"One at a time: kohya-wrap plan {typed(wheres[0])}",
        )
    if kwh is not None and not own:
        raise UsageError(
            "--kwh is the price of your own electricity.",
            why="What is rented has it in its price.",
            hint='--own "RTX 3060 12GB" --kwh 0.30',
        )
    named = (*gpus, *([explain] if explain and explain not in gpus else ())) if explain else gpus
    places, console = Places.from_environment(os.environ), Console(as_json=as_json)
    asked = None
    if live:
        from kohya_wrap.workflow import live_prices

        asked = cache(partial(live_prices.of, places, os.environ))  # once, of however many plans
    request = plan.PlanRequest(_CONFIG, named, base or "", words, budget, mbits, figures, own or "", asked)
    if len(wheres) > 1:
        sessions_display.say(console, wheres, request, places, as_json=as_json)
        return
    found = plan.run(replace(request, where=wheres[0] if wheres else _CONFIG), places, os.environ)
    plan_display.say(console, found, explain=plan.full_name(explain) if explain else "", kwh=kwh)
    console.findings(found.findings)
    if as_json:
        console.envelope("plan", plan_display.as_data(found, kwh), findings=found.findings)
