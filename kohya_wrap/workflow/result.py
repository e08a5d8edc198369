"""What a run gave: finished, paused, or so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.domain.saving import Saved
from kohya_wrap.engine.locate import Engine
from kohya_wrap.workflow.followed import End
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class Result:
    """What a run gave, finished or paused.

    Attributes:
        lora: the last checkpoint that was kept; of a finished run the LoRA itself; None where a paused one has none.
        lora_epoch: of which epoch it is; None for one by steps.
        epoch: the last that was done; `paused` where more were planned.
        loss: the engine's last average.
        seconds: of this kohya-wrap's share.
        before: an earlier call has done it, and this one nothing.
    """

    lora: Path | None
    lora_epoch: int | None
    checkpoints: tuple[Path, ...]
    steps: int
    epochs: int
    epoch: int
    loss: float | None
    seconds: float
    engine: str
    run_folder: Path
    paused: bool
    findings: tuple[Finding, ...]
    before: bool = False


def of_end(
    run: RunFolder, ledger: Ledger, job: Job, engine: Engine, end: End, *, seconds: float, paused: bool
) -> Result:
    """Args:
    end: of the last attempt.
    seconds: of this kohya-wrap's share.
    """
    kept = tuple(map(Path, ledger.checkpoints))
    lora = kept[-1] if kept else None
    return Result(
        lora=lora,
        lora_epoch=_epoch_of(lora, job) if lora and paused else job.plan.epochs,
        checkpoints=kept,
        steps=ledger.states[-1].steps if paused else end.steps,
        epochs=job.plan.epochs,
        epoch=ledger.states[-1].epoch if paused else job.plan.epochs,
        loss=end.seen.loss if end.seen.loss is not None or not ledger.progress else ledger.progress.loss,
        seconds=seconds,
        engine=engine.kind,
        run_folder=run.path,
        paused=paused,
        findings=() if end.attempt.changed else _differences(job, end),
    )


def of_paused_before(run: RunFolder, lora: Path, job: Job, engine: Engine) -> Result:
    ledger = run.ledger
    return Result(
        lora=lora,
        lora_epoch=_epoch_of(lora, job),
        checkpoints=tuple(map(Path, ledger.checkpoints)),
        steps=ledger.states[-1].steps,
        epochs=job.plan.epochs,
        epoch=ledger.states[-1].epoch,
        loss=ledger.progress.loss if ledger.progress else None,
        seconds=0.0,
        engine=engine.kind,
        run_folder=run.path,
        paused=True,
        findings=(),
        before=True,
    )


def so_far(ledger: Ledger, run: RunFolder, engine: Engine, epochs: int) -> dict[str, Any]:
    """What --json shows of a run that did not come to its end: what is kept, in the words of one that did."""
    kept = ledger.states[-1] if ledger.states else None
    return {
        "engine": engine.kind,
        "lora": ledger.checkpoints[-1] if ledger.checkpoints else None,
        "checkpoints": list(ledger.checkpoints),
        "steps": kept.steps if kept else 0,
        "epoch": kept.epoch if kept else 0,
        "epochs": epochs,
        "run": str(run.path),
    }


def _epoch_of(checkpoint: Path, job: Job) -> int | None:
    return Saved.from_name(checkpoint.stem, str(job.config.get("output_name"))).epoch


def _differences(job: Job, end: End) -> tuple[Finding, ...]:
    """Where the engine counted other steps than the plan did: our arithmetic or its data is not what we think."""
    if end.seen.total is None:
        return ()
    counted = end.seen.total - end.attempt.more_steps
    if counted == job.plan.steps:
        return ()
    return (
        Finding(
            Level.WARNING,
            "steps-differ",
            f"the engine made it {counted} steps; the plan said {job.plan.steps}.",
        ),
    )
