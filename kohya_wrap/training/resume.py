"""What may change between two attempts of one run, and what a resume would ignore, swallow or bend (engine contract, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Come back from the state, whatever the config says by now: the engine would go on with the old ones, without a word.
_FROM_STATE = frozenset(
    {
        "learning_rate", "unet_lr", "text_encoder_lr", "lr_scheduler", "lr_scheduler_args", "lr_scheduler_type",
        "lr_scheduler_num_cycles", "lr_scheduler_power", "lr_scheduler_min_lr_ratio", "lr_scheduler_timescale",
        "lr_warmup_steps", "lr_decay_steps", "optimizer_type", "optimizer_args",
    }
)  # fmt: skip
# Another LoRA, or one for another base: it does not fit the state, or is no longer what was asked for.
_ANOTHER_LORA = frozenset(
    {
        "network_module", "network_dim", "network_alpha", "network_args", "network_dropout", "network_train_unet_only",
        "network_train_text_encoder_only", "dim_from_weights", "pretrained_model_name_or_path",
        "v_parameterization", "zero_terminal_snr",
    }
)  # fmt: skip
_LENGTH = frozenset({"max_train_epochs", "max_train_steps"})
# Those whose curve does not depend on how long the training is.
_LENGTHLESS = ("constant", "constant_with_warmup")
# The attempt's own, and what nothing depends on.
_NOT_COMPARED = frozenset(
    {
        "train_data_dir", "reg_data_dir", "dataset_config", "output_dir", "logging_dir", "resume", "initial_step",
        "initial_epoch", "tokenizer_cache_dir", "save_every_n_epochs", "save_n_epoch_ratio", "save_every_n_steps",
        "save_last_n_epochs", "save_last_n_epochs_state", "save_last_n_steps", "save_last_n_steps_state", "save_state",
        "save_state_on_train_end", "sample_prompts", "sample_every_n_epochs", "sample_every_n_steps", "sample_at_first",
        "sample_sampler", "training_comment", "caption_extension",
        "network_weights",  # what it began with: the state has its own
    }
)  # fmt: skip


def changes(
    before: Mapping[str, Any], now: Mapping[str, Any], besides: Iterable[str] = ()
) -> tuple[dict[str, tuple[Any, Any]], dict[str, tuple[Any, Any]]]:
    """Options that a resume cannot take over, and those that it can: name -> (before, now).

    Args:
        before, now: as the engine reads them.
        besides: not compared either: what recovery had changed.
    """
    names = (before.keys() | now.keys()) - _NOT_COMPARED - set(besides)
    differ = {n: (before.get(n), now.get(n)) for n in sorted(names) if before.get(n) != now.get(n)}
    bent = _LENGTH if now.get("lr_scheduler", "constant") not in _LENGTHLESS else frozenset()
    refused = _FROM_STATE | _ANOTHER_LORA | bent
    return (
        {name: pair for name, pair in differ.items() if name in refused},
        {name: pair for name, pair in differ.items() if name not in refused},
    )
