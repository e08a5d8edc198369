"""The engine's bucket options of a config, as the rule that is counted by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kohya_wrap.domain import buckets
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig


def rule(config: TrainingConfig) -> buckets.BucketRule:
    return buckets.BucketRule(
        buckets.parse_resolution(config.get("resolution")),
        enabled=config.get("enable_bucket", False),
        minimum=config.get("min_bucket_reso", 256),
        maximum=config.get("max_bucket_reso", 1024),
        steps=config.get("bucket_reso_steps", 64),
        no_upscale=config.get("bucket_no_upscale", False),
    )


def layer(options: Mapping[str, Any]) -> Layer:
    """What a dataset_config says for one dataset or subset, over the options beside it, in their words."""
    values = dict(options)
    if (sides := values.get("resolution")) is not None:
        width, height = sides if isinstance(sides, list) else (sides, sides)
        values["resolution"] = f"{width},{height}"
    return Layer(Origin.COMMAND_LINE, values, "dataset_config")
