"""What a config trains on: its folders of images, or the dataset_config that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import inventory
from kohya_wrap.domain import buckets, regularisation, validation
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Finding
from kohya_wrap.places import Project
from kohya_wrap.workflow import bucketing, dataset_config, dataset_values
from kohya_wrap.workflow.configured import Configured
from kohya_wrap.workflow.effective import Asked


@dataclass(frozen=True)
class Images:
    """Every image that is trained on.

    Attributes:
        regular: the regularisation images, None where there are none.
        configured: the dataset_config that names them all; None where the options name folders.
    """

    train: Inventory
    regular: Inventory | None = None
    configured: Configured | None = None

    @property
    def inventories(self) -> dict[str, Inventory]:
        """By the option that names the folder."""
        found = {"train_data_dir": self.train, "reg_data_dir": self.regular}
        return {option: inventory for option, inventory in found.items() if inventory is not None}

    def batches(self, config: TrainingConfig) -> tuple[list[int], int]:
        """Image passes of every bucket in an epoch, and how many of them a micro-batch takes."""
        if self.configured is not None:  # each of its datasets may have its own: counted already
            return self.configured.batches(config), 1
        train = validation.trained(self.train, config).sized()
        regular = regularisation.repeated(train, self.regular.sized() if self.regular else [])
        passes = buckets.fill(bucketing.rule(config), [*train, *regular]).values()
        return list(passes), config.get("train_batch_size", 1)

    def values(self, config: TrainingConfig, script: str) -> tuple[Finding, ...]:
        """What is to be said of the values in a dataset_config."""
        return (
            () if self.configured is None else dataset_values.findings(self.configured.file, config, script)
        )

    def cacheable(self, config: TrainingConfig) -> TrainingConfig:
        """Without the caches that a dataset_config forbids, unless the user asks for them."""
        if self.configured is None:
            return config
        forbidden = self.configured.not_cached()
        return config.with_layer(Layer(Origin.WRAPPER, forbidden, "a subset changes what would be cached"))


def of(asked: Asked, project: Project) -> Images:
    """Look at all of them.

    Raises:
        DatasetError: a folder is not there, or a file cannot be read. ConfigError: a dataset_config is wrong.
    """
    values = asked.values
    if path := values.get("dataset_config"):
        where = asked.where("dataset_config")
        configured = dataset_config.read(Path(path), values, where)
        return Images(configured.seen, None, configured)
    train = inventory.take(
        Path(values.get("train_data_dir") or project.training_data), values.get("caption_extension")
    )
    return Images(train, _regular(values, train))


def _regular(values: Mapping[str, Any], train: Inventory) -> Inventory | None:
    """With captions of the same ending, if any: the class tokens are what they are for."""
    folder = values.get("reg_data_dir")
    if not folder:
        return None
    seen = inventory.take(Path(folder), train.caption_extension, "reg_data_dir")
    return replace(seen, findings=tuple(f for f in seen.findings if f.code != "no-caption"))
