"""What the rehearsal does not play, and what it plays by something simpler, of an options file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NOT_PLAYED = (
    "base_weights", "dataset_class", "dataset_config", "dim_from_weights", "in_json", "initial_epoch",
    "random_crop", "reg_data_dir", "skip_until_initial_step", "validation_split",
)  # fmt: skip
SCHEDULES = ("constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts")
# The engine's own that are close to AdamW, and those that are not.
_LIKE_ADAMW = ("adamw", "adamw8bit", "pagedadamw", "pagedadamw8bit", "pagedadamw32bit")
_OTHER_OPTIMIZERS = (
    "adafactor", "adamwschedulefree", "dadaptadagrad", "dadaptadam", "dadaptadan", "dadaptadanip", "dadaptation",
    "dadaptlion", "dadaptsgd", "lion", "lion8bit", "pagedlion8bit", "prodigy", "radamschedulefree", "sgdnesterov",
    "sgdnesterov8bit", "sgdschedulefree",
)  # fmt: skip
_OF_TORCH = (
    "ASGD", "Adadelta", "Adagrad", "Adam", "Adamax", "LBFGS", "Muon", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD", "SparseAdam",
)  # fmt: skip
_OTHER_NETWORKS = ("lycoris.kohya", "networks.dylora", "networks.lora_fa", "networks.oft")
_OTHER_SCHEDULES = (
    "adafactor", "cosine_with_min_lr", "inverse_sqrt", "piecewise_constant", "polynomial", "warmup_stable_decay",
)  # fmt: skip


def not_played(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that would change counts or files, and at which the rehearsal stops."""
    return tuple(name for name in _NOT_PLAYED if options.get(name))


def is_network(module: str) -> bool:
    """One of the engine's; or of another package, which may be anybody's."""
    own = module.startswith(("networks.", "lycoris."))
    return module in ("networks.lora", *_OTHER_NETWORKS) or ("." in module and not own)


def is_optimizer(name: str) -> bool:
    return "." in name or name.lower() in (*_LIKE_ADAMW, *_OTHER_OPTIMIZERS) or name in _OF_TORCH


def finds_its_rate(name: str) -> bool:
    """Whether its learning rate, mostly 1, is a factor of one that it finds itself."""
    return any(word in name.lower() for word in ("prodigy", "dadapt"))


def is_schedule(name: str) -> bool:
    return name in (*SCHEDULES, *_OTHER_SCHEDULES)


def stand_ins(options: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each value that is played by something simpler."""
    module = str(options.get("network_module") or "networks.lora")
    if is_network(module) and module != "networks.lora":
        yield f"{module} is rehearsed as networks.lora."
    name = str(options.get("optimizer_type") or "AdamW")
    if is_optimizer(name) and name.lower() not in _LIKE_ADAMW:
        yield f"{name} is rehearsed as AdamW."
    scheduler = str(options.get("lr_scheduler", "constant"))
    if kind := options.get("lr_scheduler_type"):
        yield f"{kind} is rehearsed as a constant rate."
    elif scheduler in _OTHER_SCHEDULES:
        yield f"the scheduler {scheduler} is rehearsed as a constant rate."
    if options.get("sample_prompts"):
        yield "no sample pictures are drawn."
