"""`kohya-wrap status`: how far the runs of a project are, from any shell."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kohya_wrap.cli import options
from kohya_wrap.cli.looking_on import looking_on

if TYPE_CHECKING:
    from kohya_wrap.workflow.watched import Status


@click.command("status", short_help="Show how far a run is, from any shell.")
@options.project_or_run
@click.option(
    "--follow",
    "-f",
    is_flag=True,
    help="A line with every step, until it ends; with --json a JSON object each.",
)
@options.json_output
def command(where: Path, follow: bool, as_json: bool) -> None:
    """Show the runs that are at work in WHERE, or the last one: a project, its config, or the folder of a run.

    \b
    kohya-wrap status
    kohya-wrap status my-lora --follow
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow import watched

    console = Console(as_json=as_json)
    if follow:
        state = "training"
        with looking_on(where):
            for news in watched.news(watched.one_at_work(where).run):
                if as_json:
                    console.news(_as_data(news))
                else:
                    console.say(_line(news))
                    if news.state != state:
                        state = news.state
                        console.say(_turn(news))
        return
    found = watched.of_project(where)
    for one in found:
        for line in _lines(one):
            console.say(line)
    if as_json:
        console.envelope("status", {"runs": [_as_data(one) for one in found]})


def _lines(one: Status) -> list[str]:
    kind = " (rehearsal: no training)" if one.engine == "rehearsal" else ""
    lines = [f"{one.name}: {one.state}{kind}", f"  {_line(one)}"]
    if one.reason:
        lines.append(f"  why           {one.reason}")
    if one.state != "done":
        kept = f"epoch {one.epochs_kept} of {one.epochs}" if one.epochs_kept else "no epoch yet"
        kept = f"nothing to go on from: {one.lost}" if one.lost else kept
        lines.append(f"  kept          {kept}; attempt {one.attempts}")
    if one.checkpoint:
        lines.append(f"  newest        {one.checkpoint}")
    lines.append(f"  what happened {one.run}")
    for step in one.then:
        said = f"{step.state}: {step.text}" if step.state == "failed" else step.text or step.state
        lines.append(f"  then          {step.step}: {said}")
    if one.then_log:
        lines.append(f"  more of it    {one.then_log}")
    if one.state not in ("training", "done"):
        lines.append(f"  {_next(one)}")
    return lines


def _next(one: Status) -> str:
    """What to type, where something is to be done about it."""
    from kohya_wrap.domain.finding import typed

    config = typed(one.config)
    if one.state == "failed":
        return f"What the engine said: kohya-wrap logs {config}"
    if one.state == "unwatched" and one.lost:
        run = typed(one.run)
        return f"It is still at work, and begins anew when that is over: kohya-wrap status {run} --follow, or kohya-wrap stop {run} --now"
    if one.state == "unwatched":
        return f"It is still at work, and nobody watches it: kohya-wrap run {config}"
    return f"It {'can go on' if one.epochs_kept and not one.lost else 'begins anew'}: kohya-wrap run {config}"


def _turn(one: Status) -> str:
    """How it ended, that nobody watches it any more, or that somebody does again."""
    if one.state == "training":
        return f"{one.name}: watched again"
    said = f"{one.name}: {one.state}" + (f": {one.reason}" if one.reason else "")
    return said if one.state == "done" else f"{said}  {_next(one)}"


def _line(one: Status) -> str:
    from kohya_wrap.domain.wording import clock

    parts = [f"epoch {one.epoch}/{one.epochs}, step {one.step}/{one.steps}"]
    if one.loss is not None:
        parts.append(f"loss={one.loss:.3g}")
    if one.seconds_per_step is not None:
        parts.append(f"{one.seconds_per_step:.2f} s/step")
    if one.eta is not None:
        parts.append(f"ETA {clock(one.eta)}")
    if one.dollars is not None:
        parts.append(f"${one.dollars:.2f}")
    return ", ".join(parts)


def _as_data(one: Status) -> dict[str, Any]:
    return {**asdict(one), "run": str(one.run), "seconds": round(one.seconds, 1)}
