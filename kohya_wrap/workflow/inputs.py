"""What a config names for the engine to use, beside base and images: whether it is here, before anything costs money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kohya_wrap.config import check
from kohya_wrap.config.check import lycoris, paths
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine.reference import Catalogued, Reference
from kohya_wrap.places import Places

_OPTIONS = ("network_weights", "base_weights", "vae", "resume", "reg_data_dir", "log_tracker_config")
_OWN_HINTS = {
    "vae": "Put it there, or remove the line: a base of the catalogue brings the VAE that it needs.",
    "resume": "Name a folder NAME-000005-state that is in output_dir.",
}


def missing(
    config: TrainingConfig, lines: Mapping[str, str], base: Reference | None, models: Path
) -> tuple[Finding, ...]:
    """Files and folders that are not here: warnings, since a config may be checked where it is not trained."""
    fetched = models / base.base.vae.local_name if isinstance(base, Catalogued) and base.base.vae else None
    seen = Seen(config, "", lines)
    return tuple(
        seen.warning(
            "file-missing", option, f"`{option}`: {path} is not here, and `run` needs it.",
            _OWN_HINTS.get(option, "Put it there, mend the path, or remove the line."),
        )
        for option, path in _named(seen)
        if path != fetched and not path.exists()
    )  # fmt: skip


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
