"""What a training has made, by its run's record: the files worth keeping, and whether they are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import toml

from kohya_wrap.host.upload.item import Item
from kohya_wrap.training import states
from kohya_wrap.training.result import weights_problem
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
    named = list(zip(runs, _own_names(runs), strict=True))
    # What cannot be had again comes first: there may be no room for all of it.
    for part in (_newest, _record, _state, _earlier, _samples):
        for run, own in named:
            for source, name in part(run, own):
                other = files.setdefault(name, source)
                if other != source:  # several projects with the same output_name
                    files[f"{own}/{name}"] = source
    return Made(
        tuple((source, name) for name, source in files.items()),
        tuple(problem for run in runs for problem in _problems(run)),
    )


def _own_names(runs: Sequence[RunFolder]) -> list[str]:
    """That of its folder; of several projects' runs that began in the same second, each gets another."""
    names: list[str] = []
    for run in runs:
        name = run.path.name
        more = (f"{name}-{number}" for number in count(2))
        names.append(next(one for one in chain([name], more) if one not in names))
    return names


def _newest(run: RunFolder, own: str) -> Iterator[tuple[Path, str]]:
    for path in _checkpoints(run)[-1:]:
        yield path, path.name


def _record(run: RunFolder, own: str) -> Iterator[tuple[Path, str]]:
    yield from _below(run, own, (run.path / name for name in _RECORD))


def _state(run: RunFolder, own: str) -> Iterator[tuple[Path, str]]:
    if not run.ledger.is_done:  # put back at the same place, the run goes on from it
        state, _ = states.newest_whole(run.ledger.states)
        if state is not None:
            yield from _below(run, own, sorted(Path(state.path).rglob("*")))


def _earlier(run: RunFolder, own: str) -> Iterator[tuple[Path, str]]:
    for path in reversed(_checkpoints(run)[:-1]):
        yield path, path.name


def _samples(run: RunFolder, own: str) -> Iterator[tuple[Path, str]]:
    about = toml.load(run.path / "run.toml")
    samples = Path(str(about.get("output_dir", "")), "sample")
    for path in sorted(samples.glob("*")):
        if path.is_file() and path.name.startswith(str(about.get("output_name", ""))):
            yield path, f"sample/{path.name}"


def _below(run: RunFolder, own: str, paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    root = run.path.resolve()
    for path in paths:
        if path.is_file():
            yield path, f"{own}/{path.resolve().relative_to(root).as_posix()}"


def _checkpoints(run: RunFolder) -> list[Path]:
    """Those that stand; others were removed in their turn."""
    return [path for path in map(Path, run.ledger.checkpoints) if path.is_file()]


def _problems(run: RunFolder) -> Iterator[str]:
    kept = run.ledger.checkpoints
    if run.ledger.is_done and (not kept or not Path(kept[-1]).is_file()):
        yield f"the LoRA is not where it was saved: {kept[-1] if kept else run.path}"
    for path in _checkpoints(run):
        if path.suffix == ".safetensors" and (problem := weights_problem(path)):
            yield f"{path} {problem}"
