"""What the engine's failures mean: cause, probable reason and remedy, from what was seen."""

from __future__ import annotations

import shlex
import signal
from enum import Enum
from pathlib import Path

from kohya_wrap.errors import TrainingFailed
from kohya_wrap.host import atomic
from kohya_wrap.training.seen import Seen

# (text in the engine's exception, why): the engine writes into the run's folder, and torch has its own words for a short
# write. Its other failures in inline_container.cc, as of a damaged file, are none.
_NO_ROOM = (
    ("No space left on device", "The disk is full; the file being saved is cut short."),
    *(
        (text, "The disk is full, or your quota of it; the state being saved is cut short.")
        for text in ("iostream error", "unexpected pos")
    ),
)
# (text in the engine's exception, why, what to type): engine contract, section 6.
_KNOWN = (
    (
        "PytorchStreamReader failed",
        "A state or .pt file is damaged or cut short.",
        "Resume from another state: `resume` names the one that was read.",
    ),
    (
        "neither a valid local path nor a valid repo id",
        "The base model's file is not where the config says.",
        "kohya-wrap init   (fetches it), or mend pretrained_model_name_or_path",
    ),
    (
        "MetadataIncompleteBuffer",
        "The base model's file is cut short.",
        "Remove that file and type: kohya-wrap init",
    ),
    ("image file is truncated", "A picture is damaged.", "Replace the picture the log names, and run again."),
    (
        "NaN detected in latents",
        "The VAE gave NaN for a picture, as SDXL's own does in fp16.",
        "Write no_half_vae = true, or use the fp16-fix VAE: kohya-wrap init --base sdxl",
    ),
    (
        "No xformers",
        "xformers is not in the engine's environment.",
        "Write sdpa = true instead of xformers = true.",
    ),
    (
        "loading state_dict",
        "The LoRA or state to continue from has another network_dim.",
        "Set network_dim to that of the file.",
    ),
)

# Bytes free where an engine that ended without a reason has probably met a full disk: the half file, which is removed
# before anybody looks, may have been that large.
_FULL = 500_000_000


class Cause(str, Enum):
    """What ended an attempt, as far as it decides what is done about it."""

    OUT_OF_MEMORY = "out of memory"
    SIGNAL = "killed by a signal"
    HANG = "hang"
    OTHER = "other"


def cause(seen: Seen, code: int | None, log: Path, log_from: int) -> Cause:
    """Of an attempt that ended by itself; None for a code that nobody saw."""
    if seen.out_of_memory:
        return Cause.OUT_OF_MEMORY
    crash = seen.crash and not _is_interrupted(seen)
    told = crash or seen.unfit or seen.fewer or seen.no_data or seen.not_finite_at is not None
    # Unseen and without a word: whoever killed it, killed all.
    if not told and (code is None or _signal(seen, code, log, log_from)):
        return Cause.SIGNAL
    return Cause.OTHER


def explain(seen: Seen, code: int | None, log: Path, log_from: int, config: Path) -> TrainingFailed:
    """The one error of a failed attempt.

    Args:
        code: the launcher's exit code, negative for a signal; None where nobody saw it.
        log_from: where the attempt's output begins in `log`.
        config: the user's own file.
    """
    look = f"less {shlex.quote(str(log))}"
    if seen.out_of_memory:
        return TrainingFailed(
            f"The GPU ran out of memory {_when(seen)}.",
            why="The batch, or the largest bucket, does not fit into this card's memory.",
            hint="Write gradient_checkpointing = true, or a smaller train_batch_size, into the config.",
        )
    if seen.not_finite_at is not None:
        return TrainingFailed(
            f"The loss is not a number since step {seen.not_finite_at}.",
            why="The learning rate is too high, or a half-precision VAE gave NaN; the engine trains on and says nothing.",
            hint="Halve learning_rate, or write no_half_vae = true, then: "
            f"kohya-wrap run {shlex.quote(str(config))} --restart   (to keep what was good: a checkpoint "
            "from before that step, with --continue-from LORA)",
        )
    if seen.fewer is not None:
        asked, batches, expected = seen.fewer.asked, seen.fewer.batches, seen.fewer.expected
        return TrainingFailed(
            f"Not all of {asked} processes train: each has {batches} batches an epoch, and it should be {expected}.",
            why="One of them did not come up, or the launcher was told otherwise: so it would take longer and cost more.",
            hint=f"{look}   and nvidia-smi; or one card alone: leave --num-processes out",
        )
    if seen.unfit is not None:
        return TrainingFailed(
            f"{Path(seen.unfit.path).name} {seen.unfit.problem}.",
            why="The training ran, but what it saves is of no use: going on would only cost more.",
            hint=f"Look at learning_rate (0, or far too high?) and mixed_precision; {look}",
        )
    if seen.no_data:
        return TrainingFailed(
            "The engine found no image (and exits 0).",
            why="train_data_dir must hold folders like 10_concept.",
            hint=look,
        )
    if seen.crash is not None and not _is_interrupted(seen):
        text = seen.crash.cause
        if full := next((why for known, why in _NO_ROOM if known in text), ""):
            return TrainingFailed(text, why=full, hint=_make_room(log, config))
        why, hint = next(
            ((w, h) for known, w, h in _KNOWN if known in text),
            (f"The engine failed at {seen.crash.where}.", look),
        )
        return TrainingFailed(text, why=why, hint=hint)
    if signalled := _signal(seen, code, log, log_from):
        return TrainingFailed(
            f"The trainer was killed by {signalled} {_when(seen)}.",
            why="SIGKILL without a word is mostly the system, out of main memory."
            if signalled == "SIGKILL"
            else "The trainer itself crashed, or somebody stopped it.",
            hint=look,
        )
    ended = "without a word" if code is None else f"with exit code {code}"
    free = atomic.free_bytes(log)
    why, hint = "Its log says what it was doing.", look
    if free < _FULL:
        why = f"The disk of its log has {free / 1e6:.0f} MB left: it was probably full, and what failed could not be written down."
        hint = f"{_make_room(log, config)}; {look}"
    return TrainingFailed(f"The engine ended {ended} {_when(seen)}.", why=why, hint=hint)


def _make_room(log: Path, config: Path) -> str:
    """Where the engine saves; output_dir gets what is whole, and may be on another disk."""
    return (
        f"df -h {shlex.quote(str(log.parent))}   then free space there, or move the project to a larger disk; "
        f"then: kohya-wrap run {shlex.quote(str(config))}"
    )


def hangs(seen: Seen, log: Path) -> TrainingFailed:
    """Of one that was ended since it hung: how it ended then says nothing."""
    return TrainingFailed(
        f"The trainer said nothing any more after step {seen.steps} of {seen.total or '?'}.",
        why="It hangs: a stuck driver, a stalled network disk, a deadlock. Its log's last lines say where.",
        hint=f"less {shlex.quote(str(log))}",
    )


def _when(seen: Seen) -> str:
    return (
        f"after step {seen.steps} of {seen.total or '?'}" if seen.steps else "before the first step was done"
    )


def _is_interrupted(seen: Seen) -> bool:
    """Python makes a traceback of a SIGINT."""
    return seen.crash is not None and seen.crash.cause.startswith("KeyboardInterrupt")


def _signal(seen: Seen, code: int | None, log: Path, log_from: int) -> str:
    """The signal's name: of the launcher itself, or of the trainer, which the launcher names in its last lines."""
    if _is_interrupted(seen):
        return signal.SIGINT.name
    if code is not None and code < 0:
        return signal.Signals(-code).name
    told = log.read_bytes() if log.is_file() else b""
    own = told[log_from if log_from <= len(told) else 0 :]  # somebody may have emptied it
    tail = own[-4000:].decode("utf-8", errors="replace")
    return next((s.name for s in signal.Signals if f"died with <Signals.{s.name}:" in tail), "")
