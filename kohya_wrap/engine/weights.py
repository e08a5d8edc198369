"""Base weights: from a reference to a verified file that the engine can load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.engine import disk, store
from kohya_wrap.engine.catalogue import Base, WeightsFile
from kohya_wrap.engine.download import Wanted, fetch
from kohya_wrap.engine.kind import PICKLES, Kind, read_kind
from kohya_wrap.engine.reference import Catalogued, Local, OnCivitai, OnHub, Reference
from kohya_wrap.errors import EngineError
from kohya_wrap.host import atomic, hub
from kohya_wrap.places import Places


@dataclass(frozen=True)
class Weights:
    """A base that is here and whole.

    Attributes:
        path: a real path, no link, with its own ending: the engine needs both (engine contract, section 6).
        noise_by: "catalogue" or "header", whichever says that it predicts noise; empty where none does.
        vae: a VAE to use instead of the one inside.
        licence: what limits the LoRA, in a line; empty where it is not known.
    """

    path: Path
    family: FamilyName
    v_prediction: bool
    zero_terminal_snr: bool
    vae: Path | None
    licence: str
    name: str
    noise_by: str = ""


def find(reference: Reference, models: Path, places: Places, *, allow_pickle: bool = False) -> Weights | None:
    """The weights if they are here, verified; else None. Asks no network.

    Raises:
        EngineError: they are here, and no base that can be trained on.
    """
    if isinstance(reference, Local):
        path = reference.path if reference.path.exists() else None
    elif isinstance(reference, Catalogued):
        path = _held(reference.file, models, places)
    elif isinstance(reference, OnHub):
        target = _target(reference, places)
        path = target if store.holds(target, "") else None
    else:
        path = store.known_in(_civitai_folder(reference, places))
    if path is None:
        return None
    base = reference.base if isinstance(reference, Catalogued) else None
    vae_file = base.vae if base else None
    vae = _held(vae_file, models, places) if vae_file else None
    if vae_file and vae is None:
        return None
    _refuse_pickle(path, allow_pickle)
    kind = read_kind(path)
    if not isinstance(reference, Local):
        for stored in filter(None, (path, vae)):
            store.link(stored, models)
    return Weights(
        path=_loadable(path, places),
        family=kind.family,
        v_prediction=kind.v_prediction or (base is not None and base.options.v_parameterization),
        zero_terminal_snr=kind.zero_terminal_snr or (base is not None and base.options.zero_terminal_snr),
        vae=_loadable(vae, places) if vae else None,
        licence=_licence(reference),
        name=_name(reference),
        noise_by=_noise_by(base, kind),
    )


def _noise_by(base: Base | None, kind: Kind) -> str:
    if base is not None:
        return "" if base.options.v_parameterization else "catalogue"
    return "header" if kind.says_noise else ""


def is_stored(reference: Catalogued, path: Path, places: Places) -> bool:
    """Whether `path` is, or links to, what was downloaded for `reference`."""
    return path.resolve() == _stored(reference.file, places).resolve()


def bytes_needed(reference: Reference, models: Path, places: Places) -> int:
    """How much `ensure` would download; asks the Hub or Civitai only for what the catalogue does not know.

    Raises:
        EngineError: as host.hub.locate.
    """
    if isinstance(reference, Local) or find(reference, models, places, allow_pickle=True):
        return 0
    return sum(wanted.missing_bytes for wanted in _wanted(reference, models, places))


def ensure(
    reference: Reference,
    models: Path,
    places: Places,
    *,
    allow_pickle: bool,
    say: Callable[[str], None],
    progress: hub.Progress,
) -> Weights:
    """Find the weights, or download and verify them; `models` gets links to them.

    Args:
        say: told in a line what is fetched, how large it is and from where.
        progress: bytes here and bytes in all, of this download.

    Raises:
        EngineError: missing, not given, cut off, not what it should be, or no base.
        MachineError: the disk is too small, said before the download.
    """
    found = find(reference, models, places, allow_pickle=allow_pickle)
    if found:
        return found
    if isinstance(reference, Local):
        raise EngineError(
            f"{reference.path} does not exist.",
            why="The base model's path is wrong, or the file was moved.",
            hint="Mend the path, or take a base by its name: --base sd15, --base sdxl.",
        )
    wanted = list(_wanted(reference, models, places))
    for file in wanted:
        _refuse_pickle(file.target, allow_pickle)
    disk.require_free(places.weights, sum(file.missing_bytes for file in wanted), "the base weights")
    total, done = sum(file.size for file in wanted), 0
    for file in wanted:
        fetch(file, say, partial(_advance, progress, done, total))
        done += file.size
    found = find(reference, models, places, allow_pickle=allow_pickle)
    assert found is not None, "fetched and verified, yet not found"
    return found


def _wanted(reference: Reference, models: Path, places: Places) -> Iterator[Wanted]:
    """The files that are still to come."""
    if isinstance(reference, Catalogued):
        for file in filter(None, (reference.file, reference.base.vae)):
            if _held(file, models, places) is None:
                sources = tuple(partial(hub.locate, *source) for source in file.sources)
                yield Wanted(_stored(file, places), file.sha256, file.bytes, sources)
        return
    if isinstance(reference, OnHub):
        remote = hub.locate(reference.repo, reference.filename, reference.revision)
        target = _target(reference, places)
    elif isinstance(reference, OnCivitai):
        from kohya_wrap.host import civitai  # with pydantic, which only this needs

        remote = civitai.locate(reference.version)
        target = _civitai_folder(reference, places) / remote.filename
    else:
        return
    if not store.holds(target, remote.sha256):
        yield Wanted(target, remote.sha256, remote.size, (lambda: remote,))


def _advance(progress: hub.Progress, before: int, total: int, here: int, _: int) -> None:
    progress(before + here, max(total, before + here))


def _held(file: WeightsFile, models: Path, places: Places) -> Path | None:
    """Where a file of the catalogue lies: in the store, or put into the project by the user."""
    places_of_it = (_stored(file, places), models / file.local_name)
    return next((path for path in places_of_it if store.holds(path, file.sha256)), None)


def _stored(file: WeightsFile, places: Places) -> Path:
    return places.weights / file.repo.replace("/", "--") / file.local_name


def _target(reference: OnHub, places: Places) -> Path:
    at = "" if reference.revision == "main" else f"@{reference.revision}"
    return places.weights / f"{reference.repo}{at}".replace("/", "--") / reference.filename


def _civitai_folder(reference: OnCivitai, places: Places) -> Path:
    return places.weights / f"civitai--{reference.version}"


def _loadable(path: Path, places: Places) -> Path:
    """The real file; where that has no ending (in a Hub cache) a second name for it, or the engine fails."""
    real = path.resolve()
    if real.is_dir() or real.suffix == ".safetensors" or real.suffix.lower() in PICKLES:
        return real
    named = places.weights / "local" / real.name / f"{path.stem}.safetensors"
    if not named.exists():
        atomic.link_or_copy(real, named)
    return named


def _refuse_pickle(path: Path, allowed: bool) -> None:
    if path.suffix.lower() in PICKLES and not path.is_dir() and not allowed:
        raise EngineError(
            f"{path} is a pickle, and refused.",
            why="Loading a pickle can run any code that its maker put into it.",
            hint="Take the .safetensors file of the same model; if you trust its maker, add --allow-pickle.",
        )


def _licence(reference: Reference) -> str:
    if isinstance(reference, Catalogued):
        return reference.base.licence.line
    if isinstance(reference, OnHub):
        return f"as its page says: https://huggingface.co/{reference.repo}"
    if isinstance(reference, OnCivitai):
        return "as its page on Civitai says"
    return ""


def _name(reference: Reference) -> str:
    if isinstance(reference, Catalogued):
        return reference.base.title
    if isinstance(reference, Local):
        return reference.path.name
    return reference.filename if isinstance(reference, OnHub) else f"Civitai version {reference.version}"
