"""The engine's command line and environment, from values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

# A user's variables that would lead the engine's interpreter or the launcher elsewhere.
# PYTHONIOENCODING beats PYTHONUTF8, and the engine's words are Japanese too.
_SCRUBBED = (
    "PYTHONPATH", "PYTHONHOME", "PYTHONIOENCODING", "VIRTUAL_ENV", "CONDA_PREFIX", "RANK", "LOCAL_RANK", "WORLD_SIZE",
)  # fmt: skip


def launcher_config(processes: int) -> str:
    """Read by the launcher in place of a user's own default_config.yaml, which would choose the kind of launcher and GPUs."""
    kind = "MULTI_GPU" if processes > 1 else "NO"
    return f'{{"distributed_type": "{kind}", "mixed_precision": "no"}}'


def argv(
    launch: tuple[str, ...],
    source: Path,
    script: str,
    engine_config: Path,
    configured: Path,
    *,
    cpu: bool,
    threads: int,
    processes: int = 1,
    port: int = 0,
) -> tuple[str, ...]:
    """`accelerate launch` with every flag explicit (engine contract, section 13).

    Args:
        configured: the file of launcher_config.
        port: by which several processes meet, its own for each run on this machine.
    """
    flags = (
        "--config_file",
        str(configured),
        "--num_cpu_threads_per_process",
        str(threads),
        "--num_processes",
        str(processes),
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        *(("--cpu",) if cpu else ()),
        *(("--multi_gpu", "--main_process_port", str(port)) if processes > 1 else ()),
    )
    # accelerate's own mixed_precision stays "no": the engine's config decides it.
    return (*launch, *flags, str(source / script), "--config_file", str(engine_config))


def environment(
    inherited: Mapping[str, str], *, threads: int, gpus: Sequence[str], online: bool = False
) -> dict[str, str]:
    """No network while training, one line per log message, output as it comes, and the chosen cards alone.

    Args:
        gpus: their UUIDs.
        online: the Hub is wanted all the same, to save to it.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in _SCRUBBED and not name.startswith("ACCELERATE_")
    }
    slice_of_it = inherited.get("CUDA_VISIBLE_DEVICES", "").startswith("MIG-") and gpus
    return kept | {
        "CUDA_VISIBLE_DEVICES": inherited["CUDA_VISIBLE_DEVICES"] if slice_of_it else ",".join(gpus),
        "HF_HUB_OFFLINE": "0" if online else "1",
        "COLUMNS": "200",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
    }
