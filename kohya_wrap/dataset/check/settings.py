"""What a dataset is checked for: the effective config, and what else decides how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from kohya_wrap.domain.buckets import BucketRule
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.domain.family import Family

Subject = Literal["", "character", "style", "object", "none"]


@dataclass(frozen=True)
class Settings:
    """Attributes:
    rule: of the buckets, as `config` says.
    trigger: the project's; empty where it has none.
    built: folder -> the trigger that it was built with; of several folders this counts, and not the project's.
    target_steps: what the epochs are solved for where the config sets neither epochs nor steps.
    config_ready: a config file is there, and `config check` finds no error in it; None: no file was named.
    tokenizer: the folder of vocab.json and merges.txt; None where none is prepared.
    configured: a dataset_config names the folders.
    """

    config: TrainingConfig
    family: Family
    rule: BucketRule
    subject: Subject
    trigger: str
    target_steps: int
    config_ready: bool | None
    tokenizer: Path | None
    built: Mapping[Path, str] = field(default_factory=dict)
    configured: bool = False

    def of(self, subset: Subset) -> Settings:
        """Those of one folder, of which a dataset_config may say something of its own."""
        if not subset.options:
            return self
        own = Layer(Origin.COMMAND_LINE, subset.options, "dataset_config")
        return replace(self, config=self.config.with_layer(own))
