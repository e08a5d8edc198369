"""What an unfinished run takes over of a config that has changed since it was started."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.config import option_table, render
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.config import Origin, TrainingConfig, shown
from kohya_wrap.domain.events import Advice
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.errors import ConfigError
from kohya_wrap.training import resume
from kohya_wrap.workflow import training_view
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder


def refuse_or_say(run: RunFolder, job: Job, config: TrainingConfig) -> tuple[Advice, ...]:
    """What has changed since the unfinished run was started, and it can take over; and what of it holds still.

    Raises:
        ConfigError: it cannot.
    """
    ledger = run.ledger
    done = ledger.states[-1].epoch if ledger.states else 0
    if ledger.attempt is None:
        return ()
    if ledger.attempt.processes != job.processes and (ledger.states or run.is_at_work()):
        raise ConfigError(
            f"The unfinished run {run.path.name} was started on {ledger.attempt.processes} GPUs; now it is {job.processes}.",
            why="Its learning-rate schedule counts once for each of them, and its state brings that back.",
            hint=f"--num-processes {ledger.attempt.processes}   to go on, or begin anew: --restart",
        )
    before = _started_with(run, job)
    now = render.as_engine_reads(config, option_table.for_script(job.family.script))
    besides = (*ledger.attempt.changed, *training_view.by_room(config))
    here = _placed(before or {}, run)
    in_place = {
        name: now[name] if now.get(name) == was else here(was) for name, was in (before or {}).items()
    }
    refused, taken = resume.changes(in_place, now, besides) if before else ({}, {})
    if refused and (ledger.states or run.is_at_work()):
        raise ConfigError(
            f"The unfinished run {run.path.name} was started with {_pairs(refused, 0)}; now it is {_pairs(refused, 1)}.",
            why="A state brings these back as they were, or does not fit the new ones: the engine would not say so.",
            hint=f"Put them back to go on, or begin anew: kohya-wrap run {shlex.quote(str(job.user.path))} --restart",
        )
    if taken and run.is_at_work():
        raise ConfigError(
            f"The trainer of the unfinished run {run.path.name} is at work with {_pairs(taken, 0)}; now it is {_pairs(taken, 1)}.",
            why="It has read its options when it was started, and keeps them to its end.",
            hint=f"kohya-wrap stop {shlex.quote(str(job.user.path))}   then the same command: it goes on with the new ones",
        )
    if job.plan.epochs <= done and job.plan.epochs < run.about.get("planned_epochs", 0):
        raise ConfigError(
            f"The unfinished run {run.path.name} has {done} epochs done; now it shall have {job.plan.epochs}.",
            why="The engine cannot go back; what it kept of the earlier epochs lies in the output folder.",
            hint=f"More than {done} epochs to go on, or begin anew: kohya-wrap run {shlex.quote(str(job.user.path))} --restart",
        )
    before_in, now_in = here(run.about.get("output_dir", "")), str(job.config.get("output_dir"))
    moved = before_in if before_in != now_in and Path(before_in).is_dir() else ""
    lost = before is None and (bool(ledger.states) or run.is_at_work())
    return tuple(Advice(text, about) for about, text in _said(ledger, job.config, taken, moved, lost=lost))


def _started_with(run: RunFolder, job: Job) -> dict[str, Any] | None:
    """The options of its last attempt, as the engine read them; None where that record is gone.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        before = toml.load(run.engine_config)
        damage = "" if "output_dir" in before else "is damaged: it does not hold the options"
    except FileNotFoundError:
        return None
    except ValueError as error:
        damage = f"cannot be read: {error}"
    if damage:
        raise ConfigError(
            f"{run.engine_config} {damage}.",
            why="It says what the unfinished run was started with, which a resume must not change.",
            hint=f"kohya-wrap run {shlex.quote(str(job.user.path))} --restart   (what is in output/ is replaced as it comes)",
        )
    return before


def _said(
    ledger: Ledger,
    config: TrainingConfig,
    taken: Mapping[str, tuple[Any, Any]],
    moved_from: str,
    *,
    lost: bool,
) -> Iterator[tuple[str, str]]:
    if lost:
        yield (
            "record-lost",
            "the record of what the unfinished run was started with (engine_config.toml) is gone, so what has changed since is "
            "not known. Learning rates, scheduler and optimizer come back from its state, whatever the config says "
            "(--restart begins anew with the config's).",
        )
    if taken:
        text = f"the unfinished run goes on with {_pairs(taken, 1)}; before it was {_pairs(taken, 0)}."
        yield "resumed-changed", text
    if moved_from:
        yield (
            "output-moved",
            f"output_dir is another one since the last attempt: what was saved before lies in {moved_from}.",
        )
    rung = ledger.attempt.changed if ledger.attempt else {}
    if rung:
        held = ", ".join(f"{name} = {as_toml(value)}" for name, value in rung.items())
        text = f"what an out-of-memory has changed in this run still holds, whatever the config says: {held} (--restart drops it)."
        yield "rung", text
    if ledger.states and config.origin("network_weights") is Origin.COMMAND_LINE:
        text = "the unfinished run goes on from its own state, and not from the LoRA named here; to begin with that: --restart"
        yield "own-state", text


def _placed(before: Mapping[str, Any], run: RunFolder) -> Callable[[Any], Any]:
    """A value with the paths below the project as they are now: it may have been moved or copied since.

    Args:
        before: the options of its last attempt.
    """
    trainer = run.ledger.trainer
    # Below the project stood .kohya-wrap/runs/<time>/attempts/<number> (links resolved), and its engine_config.toml.
    stood = (
        (Path(before.get("output_dir", "")), 4, run.path.resolve()),
        (Path(trainer.argv[-1] if trainer and trainer.argv else ""), 3, run.path),
    )
    moved = [(path.parents[up], to.parents[2]) for path, up, to in stood if len(path.parents) > up]

    def here(value: Any) -> Any:
        if isinstance(value, list):
            return [here(item) for item in value]
        if not isinstance(value, str):
            return value
        below = (str(to / Path(value).relative_to(of)) for of, to in moved if Path(value).is_relative_to(of))
        return next(below, value)

    return here


def _pairs(changed: Mapping[str, tuple[Any, Any]], side: int) -> str:
    return ", ".join(
        f"{name} = {as_toml(shown(name, pair[side]))}" if pair[side] is not None else f"no {name}"
        for name, pair in changed.items()
    )
