"""A run's record has whole paths, and the project may have been moved or copied since: its files as they lie now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kohya_wrap.domain.events import CheckpointKept, CheckpointSaved, Event, StateKept


def told(record: Iterable[tuple[float, Event]], run: Path) -> Iterator[tuple[float, Event]]:
    """The same events, each with its time.

    Args:
        run: the run's folder.
    """
    now = run.resolve()
    then: Path | None = None  # the project's folder when the event was written
    for when, event in record:
        if isinstance(event, CheckpointSaved):
            # <then>/.kohya-wrap/runs/<time>/attempts/1/my_lora-000002.safetensors
            above = Path(event.path).parents
            then = above[5] if len(above) > 5 else None
        yield when, _event(event, now, then)


def _event(event: Event, run: Path, then: Path | None) -> Event:
    if isinstance(event, StateKept):  # attempts/1/my_lora-000002-state
        return replace(event, path=str(run.joinpath(*Path(event.path).parts[-3:])))
    if isinstance(event, CheckpointKept):
        return replace(event, path=str(_kept(Path(event.path), run.parents[2], then)))
    return event


def _kept(path: Path, now: Path, then: Path | None) -> Path:
    """Of a copied project the copy, though the other is there still."""
    if then not in (None, now) and path.is_relative_to(then):
        return now / path.relative_to(then)
    if path.exists():
        return path
    below = (now.joinpath(*path.parts[start:]) for start in range(1, len(path.parts)))
    return next((one for one in below if one.is_file()), path)
