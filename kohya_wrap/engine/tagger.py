"""The WD14 tagger's two files: in a folder of the user's, or from the Hub, verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import toml

from kohya_wrap import resources
from kohya_wrap.domain.plain import build
from kohya_wrap.engine import disk, store
from kohya_wrap.engine.catalogue import WeightsFile
from kohya_wrap.engine.download import Wanted, amount, fetch
from kohya_wrap.errors import UsageError
from kohya_wrap.host import hub
from kohya_wrap.places import Places

FILES = ("model.onnx", "selected_tags.csv")


@dataclass(frozen=True, kw_only=True)
class KnownTagger:
    """One of presets/taggers.toml."""

    model: WeightsFile
    tags: WeightsFile


@dataclass(frozen=True)
class TaggerReference:
    """Which tagger; exactly one of the three is set.

    Attributes:
        name: as a caption's origin is recorded with.
        repo: of the Hub, whose files are not known here.
    """

    name: str
    folder: Path | None = None
    known: KnownTagger | None = None
    repo: str = ""


def known() -> dict[str, KnownTagger]:
    """By name, the default first."""
    data = toml.load(resources.presets() / "taggers.toml")
    return {name: build(KnownTagger, entry) for name, entry in data.items()}


def refer(model: str) -> TaggerReference:
    """What `--model` names: a known tagger (empty: the default), `hf:owner/repo`, or a folder.

    Raises:
        UsageError: none of these.
    """
    taggers = known()
    name = model or next(iter(taggers))
    if name in taggers:
        return TaggerReference(name, known=taggers[name])
    if found := re.fullmatch(r"hf:([\w.-]+/[\w.-]+)", model):
        return TaggerReference(found[1], repo=found[1])
    folder = Path(model).expanduser()
    if folder.is_dir():
        return TaggerReference(folder.absolute().name, folder=folder.absolute())
    raise UsageError(
        f"--model {model} is no folder, and no tagger that is known here.",
        why=f"Known are {', '.join(taggers)}.",
        hint=f"--model {next(iter(taggers))}, --model hf:owner/repository, or a folder with {' and '.join(FILES)}",
    )


def ensure(
    reference: TaggerReference, places: Places, say: Callable[[str], None], progress: hub.Progress
) -> Path:
    """The folder with both files, downloaded where they are not here.

    Args:
        say: told in a line what is fetched, how large it is and from where.
        progress: bytes here and bytes in all, of this download.

    Raises:
        EngineError: not given, cut off, or not what it should be. MachineError: the disk is too small.
    """
    if reference.folder is not None:
        return reference.folder
    folder = _folder(reference, places)
    wanted = list(_wanted(reference, folder))
    missing = sum(file.missing_bytes for file in wanted)
    disk.require_free(places.weights, missing, "the tagger")
    if wanted:
        say(f"{reference.name}: {amount(missing)} to download")
    for file in wanted:
        fetch(file, say, progress)
    return folder


def is_here(reference: TaggerReference, places: Places) -> bool:
    """Whether `ensure` would download nothing. Asks no network."""
    if reference.folder is not None:
        return True
    folder = _folder(reference, places)
    return all(store.holds(folder / name, sha256) for name, sha256 in _hashes(reference).items())


def _folder(reference: TaggerReference, places: Places) -> Path:
    repo = reference.known.model.repo if reference.known else reference.repo
    return places.weights / repo.replace("/", "--")


def _hashes(reference: TaggerReference) -> dict[str, str]:
    """File -> what it must hash to; empty where that is not known: then it was verified when it came."""
    if reference.known is None:
        return dict.fromkeys(FILES, "")
    return {file.local_name: file.sha256 for file in (reference.known.model, reference.known.tags)}


def _wanted(reference: TaggerReference, folder: Path) -> Iterator[Wanted]:
    """What is still to come. Of a repository that is not known here all is located before anything is fetched."""
    here = {name for name, sha256 in _hashes(reference).items() if store.holds(folder / name, sha256)}
    if reference.known is None:
        for name in FILES:
            if name not in here:
                remote = hub.locate(reference.repo, name, "main")
                yield Wanted(folder / name, remote.sha256, remote.size, (lambda remote=remote: remote,))  # type: ignore[misc]
        return
    for file in (reference.known.tags, reference.known.model):
        if file.local_name not in here:
            sources = tuple(partial(hub.locate, *source) for source in file.sources)
            yield Wanted(folder / file.local_name, file.sha256, file.bytes, sources)
