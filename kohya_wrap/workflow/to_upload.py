"""What a training has made, by its run's record: the files worth keeping, and whether they are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from kohya_wrap.host.upload.item import Item
from kohya_wrap.training import states
from kohya_wrap.workflow import not_kept
from kohya_wrap.workflow.run_folder import RunFolder

_RECORD = ("run.toml", "events.jsonl", "engine_config.toml", "engine.log")


@dataclass(frozen=True)
class Made:
    """Attributes:
    files: source and name below the destination: LoRA files as in the output folder, the rest in the run's own.
    problems: what is not as the record has it; empty where all is whole.
    """

    files: tuple[tuple[Path, str], ...]
    problems: tuple[str, ...]

    def items(self) -> list[Item]:
        """Read now, to their last byte."""
        return [Item.of(source, name) for source, name in self.files]


def made(runs: Sequence[RunFolder]) -> Made:
    files: dict[str, Path] = {}
    names = _own_names(runs)
    looked_at = [{kept: run.problem(kept) for kept in run.ledger.checkpoints} for run in runs]
    # Others were removed in their turn, and what is damaged takes the place of nothing whole.
    whole = [[Path(kept) for kept, problem in found.items() if not problem] for found in looked_at]
    # What cannot be had again comes first: there may be no room for all of it.
    for part in (_newest, _record, _state, _earlier, _samples):
        for run, own, kept in zip(runs, names, whole, strict=True):
            for source, name in part(run, own, kept):
                other = files.setdefault(name, source)
                if other != source:  # several projects with the same output_name
                    files[f"{own}/{name}"] = source
    return Made(
        tuple((source, name) for name, source in files.items()),
        tuple(
            problem for run, found in zip(runs, looked_at, strict=True) for problem in _problems(run, found)
        ),
    )


def _own_names(runs: Sequence[RunFolder]) -> list[str]:
    """That of its folder; of several projects' runs that began in the same second, each gets another."""
    names: list[str] = []
    for run in runs:
        name = run.path.name
        more = (f"{name}-{number}" for number in count(2))
        names.append(next(one for one in chain([name], more) if one not in names))
    return names


def _newest(run: RunFolder, own: str, kept: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in kept[-1:]:
        yield path, path.name


def _record(run: RunFolder, own: str, kept: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    yield from _below(run, own, (run.path / name for name in _RECORD))


def _state(run: RunFolder, own: str, kept: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """With what lies in the run's folder alone: put back at the same place, the run goes on from it."""
    if not run.ledger.is_done:
        left = list(not_kept.by(run))
        state, _ = states.newest_whole(run.ledger.states)
        whole = [*([Path(state.path)] if state else []), *(path for path in left if path.is_dir())]
        for folder in whole[-1:]:
            yield from _below(run, own, sorted(folder.rglob("*")))
        yield from _below(run, own, left)


def _earlier(run: RunFolder, own: str, kept: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in reversed(kept[:-1]):
        yield path, path.name


def _samples(run: RunFolder, own: str, whole: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    output, name = (str(run.about.get(fact, "")) for fact in ("output_dir", "output_name"))
    if (
        kept := run.ledger.checkpoints
    ):  # they are known where they lie, also of a project that was moved or copied
        output = str(Path(kept[-1]).parent)
    for path in sorted(Path(output, "sample").glob("*")) if output and name else ():
        if path.is_file() and path.name.startswith(name):
            yield path, f"sample/{path.name}"


def _below(run: RunFolder, own: str, paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    root = run.path.resolve()
    for path in paths:
        if path.is_file():
            yield path, f"{own}/{path.resolve().relative_to(root).as_posix()}"


def _problems(run: RunFolder, looked_at: Mapping[str, str]) -> Iterator[str]:
    """One that is gone was removed in its turn, but for the last of a run that is done."""
    last = run.ledger.checkpoints[-1:] if run.ledger.is_done else ()
    if run.ledger.is_done and not last:
        yield f"the LoRA is not where it was saved: {run.path}"
    for kept, problem in looked_at.items():
        if problem and (kept in last or Path(kept).is_file()):
            yield f"{kept} {problem}"
