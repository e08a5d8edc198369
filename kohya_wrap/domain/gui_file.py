"""By what a config of the kohya_ss GUI is known."""

from __future__ import annotations

from typing import Any

# Each stands in every LoRA config of some generation of the GUI; its presets name no base model.
SIGNS = ("LoRA_type", "train_batch_size", "learning_rate", "max_resolution", "optimizer")


def looks_like_one(data: Any) -> bool:
    """Whether what was read from a JSON file is one."""
    return isinstance(data, dict) and not data.keys().isdisjoint(SIGNS)
