"""What the values of a dataset_config do, by the rules that the same options beside it are held to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kohya_wrap.config.check import bounds, dataset
from kohya_wrap.config.check.bounds import Bound
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.workflow import bucketing
from kohya_wrap.workflow.dataset_file import GENERAL, DatasetFile, of_dataset, of_subset

_BOUNDS: Mapping[str, Bound] = {
    **bounds.OPTIONS,
    "batch_size": bounds.OPTIONS["train_batch_size"],
    "num_repeats": Bound(1, why="the engine leaves such a folder out"),
    "resolution": Bound(1, good=512),
    "min_bucket_reso": Bound(1, good=256),
    "max_bucket_reso": Bound(1, good=1024),
}
_OF_BUCKETS = frozenset(
    ("resolution", "enable_bucket", "min_bucket_reso", "max_bucket_reso", "bucket_reso_steps", "bucket_no_upscale")
)  # fmt: skip
_IN_QUOTES = re.compile(r'"(\d+),(\d+)"')


def findings(file: DatasetFile, config: TrainingConfig, script: str) -> tuple[Finding, ...]:
    """Of a file that the engine takes, each value at its line.

    Args:
        config: what holds where the file is silent; its own values are sound.
        script: that will train.
    """
    outside = (*_outside(file), *_filled(file, config))
    by_buckets = {
        (found.code, found.where): found
        for number, table in enumerate(file.data["datasets"], 1)
        for found in _buckets(file, number, table, config, script)
    }
    return (*outside, *by_buckets.values())


def _outside(file: DatasetFile) -> Iterator[Finding]:
    for section, table in _tables(file):
        for name, value in table.items():
            if bound := bounds.outside(_BOUNDS, name, value):
                yield Finding(
                    Level.ERROR,
                    "out-of-range",
                    f"{section}: `{name} = {as_toml(value)}` cannot be meant: it must be {bound.must_be}{bound.because}.",
                    f"Write {name} = {bound.example}, or leave it out.",
                    file.where(section, name),
                )


def _filled(file: DatasetFile, config: TrainingConfig) -> Iterator[Finding]:
    taken = config.get("resolution")
    if (config.origin("resolution") or Origin.ENGINE) >= Origin.FILE or "resolution" in file.data.get(
        "general", {}
    ):
        return
    for number, table in enumerate(file.data["datasets"], 1):
        if "resolution" not in table:
            section = of_dataset(number)
            message = f"{section}: `resolution` is not given: {taken} is taken, where the engine would fail."
            yield Finding(Level.NOTE, "filled", message, "", file.where(section))


def _tables(file: DatasetFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield GENERAL, file.data.get("general", {})
    for number, table in enumerate(file.data["datasets"], 1):
        yield of_dataset(number), {name: value for name, value in table.items() if name != "subsets"}
        for inner, subset in enumerate(table["subsets"], 1):
            yield of_subset(number, inner), subset


def _buckets(
    file: DatasetFile, number: int, table: Mapping[str, Any], config: TrainingConfig, script: str
) -> Iterator[Finding]:
    """Sides and steps that fit each other, and the family; nothing where the file says none of them."""
    section, general = of_dataset(number), file.data.get("general", {})
    said = {
        name: value
        for name, value in {**general, **table}.items()
        if name in _OF_BUCKETS and not bounds.outside(_BOUNDS, name, value)
    }
    if not said:
        return
    places = {name: file.where(section if name in table else GENERAL, name) for name in said}
    values = bucketing.layer(said).values
    own = config.with_layer(Layer(Origin.COMMAND_LINE, values, details=places))
    for found in dataset.resolution(Seen(own, script, {})):
        where = (
            found.where if found.where in places.values() else places.get("resolution", file.where(section))
        )
        hint = _IN_QUOTES.sub(r"[\1, \2]", found.hint)
        yield replace(found, message=f"{section}: {found.message}", hint=hint, where=where)
