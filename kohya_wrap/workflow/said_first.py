"""What is said before a run begins, once it is known what stands there: nothing of it stops anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.events import Advice, CheckpointSaved
from kohya_wrap.workflow import run_folder, unread
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder

LEFT_OVER = Advice(
    "the probe of an earlier call was still at work, watched by nobody: it was ended.", "probe"
)


def on_other_images(changed: str) -> Iterator[Advice]:
    if changed:
        yield Advice(
            f"since the last attempt of this run: {changed}. It goes on with what is there now, after the epochs that are done; "
            "--restart trains from the beginning.",
            "images",
        )


def begins_with(config: TrainingConfig) -> Iterator[Advice]:
    if config.origin("network_weights") is Origin.COMMAND_LINE:
        yield Advice(
            f"it begins with the weights of {config.get('network_weights')}; optimizer, learning-rate curve and the count of steps "
            "begin anew.",
            "continue-from",
        )


def trained_again(earlier: RunFolder) -> Advice:
    """A finished run is not gone on with: who gives its command again gets another."""
    lora = Path(earlier.ledger.checkpoints[-1])
    return Advice(
        f"{lora.name} was trained to its end already ({earlier.path.name}): it is trained anew, and what is in {lora.parent} is "
        "replaced as it comes. (--restart says so beforehand.)",
        "trained-again",
    )


def replaced(job: Job, name: str, standing: Sequence[Path]) -> Iterator[Advice]:
    """What no run on record has made was put there by somebody, maybe the only copy."""
    runs = list(run_folder.of_name(job.project, name)) if standing else []
    ours = {Path(one) for run in runs for one in run.ledger.checkpoints}
    ours |= {path for run in runs[:1] for path in _put_on_record_again(run, standing)}
    moved = {one.name for one in ours if not one.parent.exists()}  # with the project
    if others := [path for path in standing if path not in ours and path.name not in moved]:
        several = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield Advice(
            f"{others[0]}{several}, which no run on record here has made, will be replaced when this run saves under that name. "
            "To keep it, move it away now, or stop and take another output_name.",
            "replaced",
        )


def _put_on_record_again(run: RunFolder, standing: Sequence[Path]) -> Iterator[Path]:
    """What its trainer saved, and was taken to where it belongs: only the record of that was lost."""
    saved = [Path(event.path) for event in unread.said(run) if isinstance(event, CheckpointSaved)]
    taken = {path.name for path in saved if not path.exists()}
    yield from (path for path in standing if path.name in taken)
