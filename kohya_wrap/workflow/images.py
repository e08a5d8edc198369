"""What a config trains on: its folders of images, or the dataset_config that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.check import remarks
from kohya_wrap.dataset.check.images import size_remarks
from kohya_wrap.dataset.inventory import Read
from kohya_wrap.domain import buckets, regularisation, validation
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.dataset import Inventory, Subset
from kohya_wrap.domain.finding import Finding
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file
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
        ((passes, batch),) = self.filled(config)
        return list(passes.values()), batch

    def filled(self, config: TrainingConfig) -> list[tuple[dict[Size, int], int]]:
        """Of each dataset: image passes by bucket in an epoch, and the images of a micro-batch."""
        if self.configured is not None:
            return self.configured.filled(config)
        train = validation.trained(self.train, config).sized()
        regular = regularisation.repeated(train, self.regular.sized() if self.regular else [])
        return [(buckets.fill(bucketing.rule(config), [*train, *regular]), config.get("train_batch_size", 1))]

    def values(self, config: TrainingConfig, script: str) -> tuple[Finding, ...]:
        """What is to be said of the values in a dataset_config."""
        return (
            () if self.configured is None else dataset_values.findings(self.configured.file, config, script)
        )

    def cacheable(self, config: TrainingConfig) -> TrainingConfig:
        """Without the caches that a dataset_config forbids, unless the user asks for them."""
        return config if self.configured is None else self.configured.cacheable(config)

    def refuse_unfit(self, config: TrainingConfig) -> None:
        """Raises DatasetError: there are pictures whose size the engine dies of."""
        remarked = (
            (image.path, remark)
            for own, subset in self._with_own(config)
            for image in subset.images
            for remark in size_remarks(image.facts, bucketing.rule(own), own)
        )
        count = sum(len(subset.images) for _, subset in self._with_own(config))
        found = tuple(remarks.of_many(remarked, count))
        if found:
            first = found[0]
            raise DatasetError(
                f"{Path(first.where).name} {first.message}" if first.where else first.message,
                why="It would find out with the base loaded, at the first of them; so nothing was started.",
                hint=first.hint,
                findings=found,
            )

    def _with_own(self, config: TrainingConfig) -> Iterator[tuple[TrainingConfig, Subset]]:
        """Every folder that is trained on, with the values that hold for it."""
        if self.configured is None:
            yield from ((config, subset) for found in self.inventories.values() for subset in found.subsets)
            return
        for one in self.configured.subsets:
            own = config.with_layer(bucketing.layer(one.options))
            yield from ((own, subset) for subset in one.seen.subsets)


def of(asked: Asked, project: Project, read: Read = image_file.facts) -> Images:
    """Look at all of them.

    Args:
        read: opens each image; those of a dataset_config are read whole.

    Raises:
        DatasetError: a folder is not there, or a file cannot be read. ConfigError: a dataset_config is wrong.
    """
    values = asked.values
    if path := values.get("dataset_config"):
        where = asked.where("dataset_config")
        configured = dataset_config.read(Path(path), values, where)
        return Images(configured.seen, None, configured)
    train = inventory.take(
        Path(values.get("train_data_dir") or project.training_data),
        values.get("caption_extension"),
        read=read,
    )
    return Images(train, _regular(values, train, read))


def _regular(values: Mapping[str, Any], train: Inventory, read: Read) -> Inventory | None:
    """With captions of the same ending, if any: the class tokens are what they are for."""
    folder = values.get("reg_data_dir")
    if not folder:
        return None
    seen = inventory.take(Path(folder), train.caption_extension, "reg_data_dir", read)
    return replace(seen, findings=tuple(f for f in seen.findings if f.code != "no-caption"))
