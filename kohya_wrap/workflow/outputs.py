"""The folders that a training writes to: made, proven writable and with room, before anything costs money."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path

from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.saving import Saving
from kohya_wrap.errors import ConfigError, MachineError
from kohya_wrap.host import atomic
from kohya_wrap.workflow.prepare import Job

# What a training takes depends on the base, the network and how often it saves, so this is the least that is worth
# starting with: on SD 1.5 at dim 32 a state has some 158 MB (19.7 MB were measured at dim 4: engine contract, section 4),
# three of them stand at the end, and the checkpoints come to as much again.
LEAST_FREE = 500_000_000  # bytes


def require(job: Job) -> None:
    """Make the folders, and prove that files can be written to them.

    Raises:
        ConfigError: an option names a file, or goes through one, or a link whose target is not there.
        MachineError: the rights or the disk do not allow it, or there is no room.
    """
    values, project = job.asked.values, job.project
    output = Path(values.get("output_dir") or project.output)
    _require_writable(job, "output_dir", output)
    refuse_folders(job, output)
    _require_writable(job, "logging_dir", Path(values.get("logging_dir") or project.root / "logs"))
    _require_writable(job, "", project.runs)
    if job.engine_kind == "real":  # what the rehearsal writes is tiny
        _require_room(job, project.runs, "move the project to a larger disk")
        _require_room(job, output, "point output_dir to another disk")


def _require_room(job: Job, folder: Path, way: str) -> None:
    """The engine writes into the run's folder; what is whole gets its name in output_dir, on another disk by a copy."""
    free = atomic.free_bytes(folder)
    if free < LEAST_FREE:
        raise MachineError(
            f"The disk is too small for what the training writes: {free / 1e6:.0f} MB are free at {folder}.",
            why=f"LoRA, checkpoints and states take {LEAST_FREE / 1e6:.0f} MB and more.",
            hint=f"df -h {shlex.quote(str(folder))}   then free space there, or {way}; "
            f"then: kohya-wrap run {shlex.quote(str(job.user.path))}",
        )


def refuse_folders(job: Job, output: Path, until_epoch: int | None = None) -> None:
    """Raises ConfigError: one stands under a name that a checkpoint or the LoRA will have."""
    for made in standing(job, output, until_epoch):
        if made.is_dir():
            raise ConfigError(
                f"{made} is a folder, where the LoRA will be written.",
                why="It would be found out when that much is trained.",
                hint=f"mv {shlex.quote(str(made))} {shlex.quote(f'{made}.old')}   (or another output_name)",
            )


def standing(job: Job, output: Path, until_epoch: int | None = None) -> list[Path]:
    """What is there already under a name that the training will write."""
    config, plan, name = job.config, job.plan, str(job.config.get("output_name"))
    ending = f".{config.get('save_model_as', 'safetensors')}"
    saving = replace(Saving.of(config, plan.epochs), also=until_epoch)
    return sorted(
        path
        for path in (output.iterdir() if output.is_dir() else ())
        if path.name.endswith(ending)
        and saving.writes(path.name.removesuffix(ending), name, plan.epochs, plan.steps)
    )


def _require_writable(job: Job, option: str, folder: Path) -> None:
    what = f"{_where(job, option)}`{option}`: {folder}" if option in job.asked.values else str(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written")
    except (FileExistsError, NotADirectoryError):
        link = next(
            (path for path in (folder, *folder.parents) if path.is_symlink() and not path.exists()), None
        )
        if link is not None:
            raise ConfigError(
                f"{what} cannot be made: {link} is a link to {link.readlink()}, which is not there.",
                why="Its disk may not be mounted; the engine would find out at its first save.",
                hint=f"Name another folder, or mend the link: ls -ld {shlex.quote(str(link))}",
            ) from None
        raise ConfigError(
            f"{what} is a file, or goes through one, where a folder must be.",
            why="The engine would find out at its first save.",
            hint=f"Name another folder, or move the file away: ls -ld {shlex.quote(str(folder))}",
        ) from None
    except OSError as error:
        raise MachineError(
            f"{what} cannot be written to: {error.strerror}.",
            why="The rights or the disk do not allow it; the engine would find out at its first save.",
            hint=f"Name another folder, or mend its rights: ls -ld {shlex.quote(str(folder))}",
        ) from error


def _where(job: Job, option: str) -> str:
    """The line, variable or --set that named the folder."""
    user = job.user
    said = settle([Layer(Origin.FILE, user.values, user.path.name, user.lines), *job.asked.by_hand])
    return f"{said.detail(option)}: "
