"""`kohya-wrap plan`: does it fit, how long, how much, before a cent is spent."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kohya_wrap.cli import options


@click.command("plan", short_help="Before paying: does it fit, how long, how much, on each GPU.")
@click.argument(
    "where", type=click.Path(readable=False, path_type=Path), default=Path("training_config.toml"), metavar="[CONFIG|DIR]"
)  # fmt: skip
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
    "--mbits", type=options.Amount(), default=300.0, show_default=True, metavar="MBIT/S",
    help="What the rented machine downloads in a second: set-up fetches 6 to 12 GB.",
)  # fmt: skip
@options.set_values
@options.json_output
def command(
    where: Path,
    gpus: tuple[str, ...],
    budget: float | None,
    explain: str | None,
    base: str | None,
    vram: int | None,
    tflops: float | None,
    mbits: float,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what CONFIG, or the images in DIR with the guide's values, would need and cost on each GPU, the cheapest first.

    Nothing is fetched, nothing written, no network and no GPU are needed. Steps are the engine's own count. Memory is
    counted from the engine's own step, and never measured on a GPU by us; hours are right within a factor of two. Prices are
    dated snapshots.

    \b
    kohya-wrap plan my-lora/training_config.toml --budget 5
    kohya-wrap plan photos --base sdxl --gpu "RTX 4090" --gpu L40S
    kohya-wrap plan --explain "RTX 3090"
    """
    from kohya_wrap.cli import plan_display
    from kohya_wrap.cli.console import Console
    from kohya_wrap.errors import UsageError
    from kohya_wrap.places import Places
    from kohya_wrap.workflow import plan

    if (vram is None) != (tflops is None):
        raise UsageError(
            "--vram and --tflops belong together.",
            why="One says whether it fits, the other how long it takes.",
            hint="--vram 24 --tflops 165",
        )
    own = (vram, tflops) if vram is not None and tflops is not None else None
    named = (*gpus, *([explain] if explain and explain not in gpus else ())) if explain else gpus
    request = plan.PlanRequest(where, named, base or "", words, budget, mbits, own)
    found = plan.run(request, Places.from_environment(os.environ), os.environ)
    console = Console(as_json=as_json)
    plan_display.say(console, found, explain=bool(explain))
    console.findings(found.findings)
    if as_json:
        console.envelope("plan", plan_display.as_data(found), findings=found.findings)
