"""The engine's command line and environment, from values alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# A user's variables that would lead the engine's interpreter or the launcher elsewhere.
_SCRUBBED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "RANK", "LOCAL_RANK", "WORLD_SIZE")


# Read by the launcher in place of a user's own default_config.yaml, which would choose the kind of launcher and the GPUs.
LAUNCHER_CONFIG = '{"distributed_type": "NO", "mixed_precision": "no"}'


def argv(
    launch: tuple[str, ...],
    source: Path,
    script: str,
    engine_config: Path,
    launcher_config: Path,
    *,
    cpu: bool,
    threads: int,
) -> tuple[str, ...]:
    """`accelerate launch` with every flag explicit (engine contract, section 13); `launcher_config` holds LAUNCHER_CONFIG."""
    flags = (
        "--config_file",
        str(launcher_config),
        "--num_cpu_threads_per_process",
        str(threads),
        "--num_processes",
        "1",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        *(("--cpu",) if cpu else ()),
    )
    # accelerate's own mixed_precision stays "no": the engine's config decides it.
    return (*launch, *flags, str(source / script), "--config_file", str(engine_config))


def environment(
    inherited: Mapping[str, str], *, threads: int, gpu: str, online: bool = False
) -> dict[str, str]:
    """No network while training, one line per log message, output as it comes, and the chosen card alone.

    Args:
        gpu: its UUID; empty for none.
        online: the Hub is wanted all the same, to save to it.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in _SCRUBBED and not name.startswith("ACCELERATE_")
    }
    slice_of_it = inherited.get("CUDA_VISIBLE_DEVICES", "").startswith("MIG-") and gpu
    return kept | {
        "CUDA_VISIBLE_DEVICES": inherited["CUDA_VISIBLE_DEVICES"] if slice_of_it else gpu,
        "HF_HUB_OFFLINE": "0" if online else "1",
        "COLUMNS": "200",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
    }
