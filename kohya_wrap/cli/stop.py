"""`kohya-wrap stop`: end a run from any shell, losing nothing."""

from __future__ import annotations

from pathlib import Path

import click

from kohya_wrap.cli import options


@click.command("stop", short_help="Stop a run when its epoch is done, or at once.")
@options.project_or_run
@click.option("--now", is_flag=True, help="At once: what was done since the last whole epoch is lost.")
@options.json_output
def command(where: Path, now: bool, as_json: bool) -> None:
    """Stop the run that is at work in WHERE: a project, its config, or the folder of a run.

    It stops when its epoch is done and the state is written, so that `kohya-wrap run` goes on from there.

    \b
    kohya-wrap stop
    kohya-wrap stop my-lora --now
    """
    from kohya_wrap.cli.console import Console
    from kohya_wrap.domain.finding import typed
    from kohya_wrap.domain.wording import clock
    from kohya_wrap.workflow import watched
    from kohya_wrap.workflow.run_folder import RunFolder

    console = Console(as_json=as_json)
    found = watched.one_at_work(where)
    config, ledger = typed(found.config), RunFolder(found.run).ledger
    watched.ask_to_stop(found, at_once=now)
    if now and not found.is_at_work:
        console.say(f"What should follow {found.name} is cut short; the training is {found.state}, and kept.")
    elif now:
        last = [*watched.news(found.run, interval=0.2)][-1]
        ended = "has stopped" if last.state == "stopped" else f"had ended before: {last.state}"
        kept = (
            f"epoch {last.epochs_kept} is kept. To go on"
            if last.epochs_kept
            else "no epoch is finished. To begin anew"
        )
        console.say(f"{found.name} {ended}; {kept}: kohya-wrap run {config}")
    elif ledger.trainer_ended:
        kept = f"epoch {found.epochs_kept} is kept" if found.epochs_kept else "no epoch is finished"
        console.say(f"{found.name} stops at once: its trainer has ended, and no other is started; {kept}.")
    else:
        left = ""
        attempt = ledger.attempt
        if found.seconds_per_step and attempt is not None:
            left = f", in about {clock(attempt.steps_to_state(found.step) * found.seconds_per_step)}"
        epoch = f"epoch {found.epoch}" if found.epoch else "its first epoch"
        console.say(f"{found.name} stops when {epoch} is done{left}. At once: kohya-wrap stop --now {config}")
    if as_json:
        console.envelope("stop", {"run": str(found.run), "now": now})
