"""What a config names for the engine to use, beside base and images: whether it is here, before anything costs money."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kohya_wrap.config import check
from kohya_wrap.config.check import lycoris, paths
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.dataset import inventory
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine.reference import Catalogued, Reference
from kohya_wrap.errors import ConfigError, DatasetError, EngineError
from kohya_wrap.host import safetensors_file
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import dataset_config, dataset_file, dataset_values

_OPTIONS = ("network_weights", "base_weights", "vae", "resume", "reg_data_dir", "log_tracker_config")
_OWN_HINTS = {
    "vae": "Put it there, or remove the line: a base of the catalogue brings the VAE that it needs.",
    "resume": "Name the folder of a state. (`run` goes on with its own unfinished runs without this.)",
}


def missing(
    config: TrainingConfig, lines: Mapping[str, str], base: Reference | None, models: Path
) -> tuple[Finding, ...]:
    """Files and folders that are not here: warnings, since a config may be checked where it is not trained."""
    fetched = models / base.base.vae.local_name if isinstance(base, Catalogued) and base.base.vae else None
    seen = Seen(config, "", lines)
    absent = (
        seen.warning(
            "file-missing", option, f"`{option}`: {_not_here(path)} is not here, and `run` needs it.",
            _OWN_HINTS.get(option, "Put it there, mend the path, or remove the line."),
        )
        for option, path in _named(seen)
        if path != fetched and not path.exists()
    )  # fmt: skip
    return (*absent, *_no_state(seen))


def _not_here(path: Path) -> str:
    windows = paths.of_windows(str(path))
    return f"{windows}, a path of Windows," if windows else str(path)


def _no_state(seen: Seen) -> Iterator[Finding]:
    """What the engine's loader (accelerate at the lock) fails without, with the base model loaded."""
    folder = Path(seen.get("resume") or "")
    if not seen.get("resume") or not folder.exists():
        return
    weights = any((folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin"))
    if not (weights and (folder / "optimizer.bin").is_file()):
        lacks = "optimizer.bin" if weights else "model.safetensors"
        yield seen.warning(
            "no-state", "resume", f"`resume`: {folder} is no state of a training: it holds no {lacks}.", _OWN_HINTS["resume"],
        )  # fmt: skip


def of_another_rank(config: TrainingConfig, lines: Mapping[str, str]) -> Iterator[Finding]:
    """A LoRA to go on from that does not fit network_dim: the engine fails on it, with the base model loaded.

    Args:
        config: with all its layers; network_dim may come from the recipe.
    """
    seen = Seen(config, "", lines)
    path = Path(seen.get("network_weights") or "")
    if seen.get("network_module") not in (None, "networks.lora") or seen.get("dim_from_weights"):
        return
    if path.suffix != ".safetensors" or not path.is_file():
        return
    try:
        tensors = safetensors_file.read_header(path).tensors
    except EngineError as error:
        yield seen.warning(
            "network-weights", "network_weights", f"`network_weights`: {error.message}", error.hint
        )
        return
    ranks = {t.shape[0] for name, t in tensors.items() if "lora_down" in name and len(t.shape) == 2}
    wanted = seen.get("network_dim", 4)
    if len(ranks) == 1 and wanted not in ranks:
        (rank,) = ranks
        yield seen.warning(
            "other-rank", "network_weights", f"{path.name} has rank {rank}, and network_dim is {wanted}: the engine fails on it.",
            f"Write network_dim = {rank} (or --set network_dim={rank}).",
        )  # fmt: skip


def in_the_way(config: TrainingConfig, lines: Mapping[str, str]) -> Iterator[Finding]:
    """Files where the engine needs a folder; `run` finds out by making it (`outputs`)."""
    seen = Seen(config, "", lines)
    for option in ("output_dir", "logging_dir"):
        folder = Path(seen.get(option) or "")
        if (taken := next((path for path in (folder, *folder.parents) if path.is_file()), None)) is not None:
            yield seen.warning(
                "not-a-folder", option, f"`{option}`: {taken} is a file, and a folder is needed.",
                f"Name another folder, or move the file: mv {shlex.quote(str(taken))} {shlex.quote(f'{taken}.old')}",
            )  # fmt: skip


def images(
    config: TrainingConfig, lines: Mapping[str, str], project: Project, script: str
) -> tuple[Finding, ...]:
    """What `run` would refuse of train_data_dir, by names alone: a note where the project's own folder is still to be filled."""
    seen, named = Seen(config, script, lines), config.get("train_data_dir")
    if named == "" or (named and paths.unreplaced(named)):  # the check says it
        return ()
    if config.get("dataset_config"):
        return _of_dataset_config(seen)
    folder = Path(named or project.training_data)
    try:
        inventory.names(folder)
    except DatasetError as error:
        found = seen.warning(
            "images", "train_data_dir", f"{error.message.rstrip('.')}, and `run` needs images.", error.hint
        )
        to_come = folder == project.training_data and not folder.exists()
        return (replace(found, level=Level.NOTE) if to_come else found,)
    return ()


def _of_dataset_config(seen: Seen) -> tuple[Finding, ...]:
    path = Path(seen.get("dataset_config"))
    if not path.exists():
        return (
            seen.warning(
                "file-missing", "dataset_config", f"`dataset_config`: {_not_here(path)} is not here, and `run` needs it.",
                "Put it there, mend the path, or remove the line.",
            ),
        )  # fmt: skip
    try:
        file = dataset_file.read(path, seen.where("dataset_config"))
    except ConfigError as error:
        return (seen.error("dataset-config", "dataset_config", error.message, error.hint),)
    said = dataset_config.mistakes(file)
    if any(found.level is Level.ERROR for found in said):
        return said
    return (*said, *dataset_values.findings(file, seen.config, seen.script))


def _named(seen: Seen) -> Iterator[tuple[str, Path]]:
    for option in _OPTIONS:
        value = seen.get(option)
        for path in value if isinstance(value, list) else [value]:
            said = not isinstance(path, str) or check.is_address(path) or paths.unreplaced(path)
            if path and not said:
                yield option, Path(path)
    if (preset := lycoris.preset(seen)) and Path(preset).is_absolute():
        yield "network_args", Path(preset)


def refused(
    config: TrainingConfig,
    lines: Mapping[str, str],
    base: Reference | None,
    models: Path,
    places: Places,
    *,
    reuse_torch: bool,
) -> tuple[Finding, ...]:
    """The same where the training is to be, as errors; and what is not in the engine's environment."""
    absent = [replace(found, level=Level.ERROR) for found in missing(config, lines, base, models)]
    if config.get("log_with") in ("wandb", "all") and not _has_wandb(places, reuse_torch=reuse_torch):
        absent.append(Seen(config, "", lines).error(
            "no-wandb", "log_with", "wandb is not in the engine's environment: the engine fails without it.",
            "Remove the line: TensorBoard logs are written to logging_dir.",
        ))  # fmt: skip
    return tuple(absent)


def _has_wandb(places: Places, *, reuse_torch: bool) -> bool:
    """In an environment still to be made, only where it takes over another's packages may be one."""
    from kohya_wrap.engine import install, pin
    from kohya_wrap.host import tool

    environment = install.find(pin.load(), places)
    if environment is None:
        return reuse_torch
    try:
        tool.run([environment.python, "-I", "-c", "import wandb"], timeout=60)
    except tool.ToolFailed:
        return False
    return True
