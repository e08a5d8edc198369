"""What a dataset_config of the user's names: counted as the engine counts it, and given to it on a training view."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset.view.laid_out import CachedWith, Part
from kohya_wrap.domain import buckets, regularisation, steps, validation
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Finding
from kohya_wrap.host import atomic
from kohya_wrap.workflow import bucketing, training_view
from kohya_wrap.workflow.dataset_file import DatasetFile

Table = Mapping[str, Any]

# What a subset may do to images or captions that the engine then refuses to cache (engine contract, sections 1 and 8).
_CHANGES_IMAGES = ("color_aug", "random_crop")
_CHANGES_CAPTIONS = (
    "shuffle_caption",
    "caption_dropout_rate",
    "token_warmup_step",
    "caption_tag_dropout_rate",
)


@dataclass(frozen=True)
class ConfiguredSubset:
    """One `[[datasets.subsets]]`: where it stands in the file, its options with those above it, what lies there."""

    place: tuple[int, int]
    options: Table
    seen: Inventory

    @property
    def regular(self) -> bool:
        return bool(self.options.get("is_reg"))

    @property
    def path(self) -> str:
        """In the view: two subsets may be called alike."""
        return f"{self.place[0] + 1}/{self.place[1] + 1}"


@dataclass(frozen=True)
class Configured:
    """What the file names, less what the engine ignores in it."""

    file: DatasetFile
    subsets: tuple[ConfiguredSubset, ...]
    findings: tuple[Finding, ...]

    @property
    def data(self) -> Table:
        """As it is written, but for relative paths."""
        return self.file.data

    @property
    def seen(self) -> Inventory:
        """All that is trained on."""
        return self._together([one for one in self.subsets if not one.regular], self.findings)

    @property
    def regular(self) -> Inventory | None:
        """The regularisation images; None where there are none."""
        found = [one for one in self.subsets if one.regular]
        return self._together(found, ()) if found else None

    @staticmethod
    def _together(subsets: Sequence[ConfiguredSubset], findings: tuple[Finding, ...]) -> Inventory:
        every = tuple(
            replace(folder, options=bucketing.layer(one.options).values)
            for one in subsets
            for folder in one.seen.subsets
        )
        return Inventory(every, subsets[0].seen.caption_extension, findings)

    @property
    def datasets(self) -> dict[int, Configured]:
        """Each that has images to train on, by its place in the file."""
        numbers = dict.fromkeys(subset.place[0] for subset in self.subsets if not subset.regular)
        return {
            number: replace(self, subsets=tuple(s for s in self.subsets if s.place[0] == number))
            for number in numbers
        }

    def of_dataset(self, number: int, config: TrainingConfig) -> TrainingConfig:
        """`config` with what this dataset says, its batch under the name of the option beside it."""
        own = config.with_layer(bucketing.layer(self.data.get("general", {}) | self.data["datasets"][number]))
        batch = {"train_batch_size": own.get("batch_size") or config.get("train_batch_size", 1)}
        return own.with_layer(Layer(Origin.COMMAND_LINE, batch, "dataset_config"))

    def batches(self, config: TrainingConfig) -> list[int]:
        """Micro-batches of each bucket of each dataset, in an epoch."""
        return [
            steps.plan([passes], batch=batch, epochs=1).batches_per_epoch
            for of_one, batch in self.filled(config)
            for passes in of_one.values()
        ]

    def filled(self, config: TrainingConfig) -> list[tuple[dict[Size, int], int]]:
        """Of each dataset: image passes by bucket in an epoch, and the images of a micro-batch."""
        found = []
        for number, dataset in enumerate(self.data["datasets"]):
            own = config.with_layer(bucketing.layer(self.data.get("general", {}) | dataset))
            of = [subset for subset in self.subsets if subset.place[0] == number]
            train = [size for s in of if not s.regular for size in validation.trained(s.seen, own).sized()]
            regular = [size for s in of if s.regular for size in s.seen.sized()]
            images = [*train, *regularisation.repeated(train, regular)]
            batch = own.get("batch_size") or config.get("train_batch_size", 1)
            found.append((buckets.fill(bucketing.rule(own), images), batch))
        return found

    def cacheable(self, config: TrainingConfig) -> TrainingConfig:
        """Without the caches that the engine would refuse for what some subset does, unless the user asks for them."""
        return config.with_layer(
            Layer(Origin.WRAPPER, self._not_cached(), "a subset changes what would be cached")
        )

    def _not_cached(self) -> dict[str, bool]:
        forbidden = {"cache_latents": _CHANGES_IMAGES, "cache_text_encoder_outputs": _CHANGES_CAPTIONS}
        return {
            option: False
            for cache, changes in forbidden.items()
            if any(subset.options.get(change) for subset in self.subsets for change in changes)
            for option in (cache, f"{cache}_to_disk")
        }

    def parts(
        self, config: TrainingConfig, cached: Callable[[TrainingConfig], CachedWith]
    ) -> tuple[Part, ...]:
        """For training_view.standing."""
        owns = [(subset, config.with_layer(bucketing.layer(subset.options))) for subset in self.subsets]
        return tuple(
            Part(s.path, training_view.of(s.seen, own), s.seen.caption_extension, cached(own))
            for s, own in owns
        )

    def place(self, root: Path, written: Path) -> Layer:
        """Write it for the engine, which reads JSON as well, with the folders of the view."""
        data = json.loads(json.dumps(self.data))
        written_subsets = [dataset.pop("subsets") for dataset in data["datasets"]]
        for subset in self.subsets:
            dataset, inner = subset.place
            own = written_subsets[dataset][inner]
            own["image_dir"] = str(root / subset.path / Path(own["image_dir"]).name)
            own["caption_extension"] = subset.seen.caption_extension
            data["datasets"][dataset].setdefault("subsets", []).append(own)
        atomic.write_text(written, json.dumps(data, indent=1))
        values = {"dataset_config": str(written), "train_data_dir": None, "reg_data_dir": None}
        return Layer(Origin.HARDWARE, values, "the training view")
