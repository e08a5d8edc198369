"""A checked dataset for people: three small tables and the guide's list, read in a minute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kohya_wrap.dataset.check.result import Concept, State
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from kohya_wrap.cli.console import Console
    from kohya_wrap.workflow.check_dataset import DatasetCheck

_BUCKETS = 8  # rows; the rest in one
_TERMS = 8
_OFTEN = 0.3  # of the captions
_STATES = {
    State.DONE: ("done", "green"),
    State.NOT_DONE: ("NOT DONE", "red"),
    State.UNSEEN: ("not seen", "yellow"),
}


@contextmanager
def reading(console: Console) -> Iterator[Callable[[int, int], None]]:
    """How far the reading is, where somebody watches: ten thousand images take a minute or two."""
    if not console.live:
        yield lambda number, total: None
        return
    with console.out.status("reading images") as status:
        yield lambda number, total: status.update(f"reading image {number:,} of {total:,}")


def shortened(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """With paths from the current folder, where that is shorter."""
    here = f"{Path.cwd()}{os.sep}"
    return tuple(replace(finding, where=finding.where.removeprefix(here)) for finding in findings)


def say(console: Console, found: DatasetCheck) -> None:
    checked = found.checked
    images = counted(len({image.image.path for image in checked.images}), "image")
    endings = dict.fromkeys(subset.caption_extension for subset in checked.inventory.subsets)
    console.say(
        f"{found.folder}: {images}, {counted(checked.inventory.captions, 'caption')} "
        f"({', '.join(endings) or checked.inventory.caption_extension}), seen as {found.meant.family.title} at {_each(found, 'resolution')}"
    )
    console.say(f"{images}: {checked.size_class}\n")
    console.out.print(_concepts(checked.concepts))
    console.out.print(_buckets(found))
    _terms(console, checked.concepts)
    console.say("\nbefore the rental begins (the guide's list)")
    for tick in checked.checklist:
        word, style = _STATES[tick.state]
        console.say(f"  {word:<9} {tick.item}: {tick.detail}", style=style)
    console.say()


def _concepts(concepts: tuple[Concept, ...]) -> Table:
    table = _table("folder", "images", "repeats", "passes", "captions", "trigger")
    for concept in concepts:
        trigger = "none is known"
        if concept.trigger:
            where = "first in all" if concept.first == concept.images else f"first in {concept.first}"
            assumed = " (assumed)" if concept.assumed else ""
            trigger = f"{concept.trigger!r}{assumed} in {concept.with_trigger} of {concept.images}, {where}"
        passes = concept.images * concept.repeats
        table.add_row(
            _of(concept.dataset, concept.folder),
            *map(str, (concept.images, concept.repeats, passes, concept.captions)),
            trigger,
        )
    return table


def _each(found: DatasetCheck, option: str) -> str:
    """What it is in each of the datasets."""
    return " and ".join(dict.fromkeys(str(config.get(option, 1)) for config in found.configs))


def _of(dataset: int, name: str) -> str:
    return f"dataset {dataset}: {name}" if dataset else name


def _buckets(found: DatasetCheck) -> Table:
    checked, config = found.checked, found.meant.config
    table = _table("bucket", "images", "passes", "batches", "")
    shown, rest = checked.buckets[:_BUCKETS], checked.buckets[_BUCKETS:]
    for bucket in shown:
        width, height = bucket.size
        size = _of(bucket.dataset, f"{width}x{height}")
        table.add_row(size, *map(str, (bucket.images, bucket.passes, bucket.batches)), "")
    if rest:
        sums = (sum(b.images for b in rest), sum(b.passes for b in rest), sum(b.batches for b in rest))
        table.add_row(f"{len(rest)} more", *map(str, sums), "")
    plan, batch = checked.plan, _each(found, "train_batch_size")
    accumulated = config.get("gradient_accumulation_steps", 1)
    per_step = f" of {batch}" + (f", {accumulated} a step" if accumulated > 1 else "")
    epochs = f"x {plan.epochs} epochs = {plan.steps} steps" if plan.epochs != 1 else f"= {plan.steps} steps"
    table.add_row(
        "an epoch",
        str(sum(bucket.images for bucket in checked.buckets)),
        str(sum(bucket.passes for bucket in checked.buckets)),
        str(plan.batches_per_epoch),
        f"{per_step.strip()}; {plan.steps_per_epoch} steps {epochs}",
        style="bold",
    )
    return table


def _terms(console: Console, concepts: tuple[Concept, ...]) -> None:
    for concept in concepts:
        if concept.dataset > 1 and any(_is_same(concept, other) for other in concepts):
            continue
        often = [term for term in concept.terms if term.share >= _OFTEN][:_TERMS]
        if often:
            said = ", ".join(f"{term.text} {term.share:.0%}" for term in often)
            console.say(f"most said in {concept.folder}: {said}")


def _is_same(concept: Concept, other: Concept) -> bool:
    """Said of an earlier dataset already."""
    return other.dataset < concept.dataset and (other.folder, other.terms) == (concept.folder, concept.terms)


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for number, column in enumerate(columns):
        numeric = 0 < number < len(columns) - 1
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    return table
