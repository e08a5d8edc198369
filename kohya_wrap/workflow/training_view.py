"""A training on its view: laid out before the engine starts, its caches kept when it has ended, however it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset.view import kept, laid_out, manifest
from kohya_wrap.dataset.view.laid_out import CachedWith, Part, View
from kohya_wrap.dataset.view.store import Store
from kohya_wrap.domain import view
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.view import Folder
from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic, lock
from kohya_wrap.places import Project
from kohya_wrap.workflow import cached_with

_LEFT_FREE = 1_000_000_000  # bytes, for what else the training writes: checkpoints, states
_WHERE = "the training view"
_TO_DISK = ("cache_latents_to_disk", "cache_text_encoder_outputs_to_disk")


@dataclass(frozen=True)
class OnView:
    """The config that the engine is given, and what is to be said of it.

    Attributes:
        changed: of the images, since an earlier attempt of the same run; empty where nothing is.
    """

    config: TrainingConfig
    findings: tuple[Finding, ...]
    changed: str = ""


Place = Callable[[Path], Layer]  # where the view lies -> what the config says of it


def of_folders(
    inventories: Mapping[str, Inventory], config: TrainingConfig, cached: CachedWith
) -> tuple[tuple[Part, ...], Place]:
    """For standing: what `train_data_dir` and `reg_data_dir` hold, by these names."""
    extension = inventories["train_data_dir"].caption_extension
    parts = tuple(
        Part(_part(option), of(inventory, config), extension, cached)
        for option, inventory in inventories.items()
    )

    def place(root: Path) -> Layer:
        return Layer(Origin.HARDWARE, {option: str(root / _part(option)) for option in inventories}, _WHERE)

    return parts, place


def _part(option: str) -> str:
    return option.removesuffix("_data_dir")


def of(inventory: Inventory, config: TrainingConfig) -> tuple[Folder, ...]:
    """What the engine is given for a folder of images."""
    return view.of(
        inventory,
        alpha_mask=bool(config.get("alpha_mask")),
        every_line=bool(config.get("enable_wildcard")),
    )


@contextmanager
def standing(
    project: Project,
    run: Path,
    config: TrainingConfig,
    parts: Sequence[Part],
    place: Place,
    *,
    in_use: bool = False,
) -> Iterator[OnView]:
    """The same config, on a view of its own for the folder of this `run`.

    Args:
        in_use: the run's trainer is at work on it: it is left as it is.

    Raises:
        DatasetError: an image is being changed. MachineError: no room.
    """
    views = project.views.resolve()
    target = views / run.name
    store = Store(views / "store")
    with lock.hold(target):  # before the next run could take it for one that was left; one may be sweeping it
        on_view = config.with_layer(place(target))
        before = manifest.read(run)
        if in_use:
            said = OnView(on_view, ())
        else:
            laid = _lay_out(target, run, parts, store)
            said = _on(laid, on_view, manifest.changes(before, laid.lines) if before else "")
        try:
            yield said
        finally:
            with suppress(OSError), lock.hold(store.root):  # what cannot be kept is encoded again
                kept.clear(target, store)
    kept.lock_file(target).unlink(missing_ok=True)


def _lay_out(target: Path, run: Path, parts: Sequence[Part], store: Store) -> View:
    try:
        with lock.hold(store.root):
            kept.sweep(target.parent, store, _at_work(run.parent))
            laid = laid_out.lay_out(target, parts, store)
        manifest.write(run, laid.lines)  # the run's own record: what the engine's log calls 000001.png
    except OSError as error:
        raise MachineError(
            f"The training view cannot be laid out in {target.parent}: {error.strerror}.",
            why="It holds converted copies of images that the engine would misread, and the engine's caches.",
            hint=f"df -h {typed(target.parent)}   and kohya-wrap dataset view   (tells which are converted, and why)",
        ) from error
    return laid


def _at_work(runs: Path) -> frozenset[str]:
    """Runs whose trainer lives, though their kohya-wrap may not."""
    from kohya_wrap.host import child  # and psutil with it, which a plan needs not

    return frozenset(log.parent.name for log, _ in child.living() if log.parent.parent == runs.resolve())


def by_room(config: TrainingConfig) -> list[str]:
    """Options that the room on the disk decides, where the user does not say them."""
    return [name for name in _TO_DISK if config.get(name) and config.origin(name) is Origin.WRAPPER]


def _on(laid: View, on_view: TrainingConfig, changed: str) -> OnView:
    needed = sum(laid.lacking[kind] * cached_with.size(kind, on_view) for kind in laid.lacking)
    ours, free = by_room(on_view), atomic.free_bytes(laid.root)
    if not ours or not needed or free > needed + _LEFT_FREE:
        return OnView(on_view, (), changed)
    in_memory = Layer(Origin.HARDWARE, dict.fromkeys(ours, False), "no room on the disk")
    return OnView(on_view.with_layer(in_memory), (_no_room(needed, free, laid.root),), changed)


def _no_room(needed: int, free: int, where: Path) -> Finding:
    return Finding(
        Level.NOTE,
        "caches-in-memory",
        f"what the engine encodes is kept in memory, and encoded again by the next run: it would take {_megabytes(needed)} MB "
        f"of the {_megabytes(free)} MB that the disk has left, and {_megabytes(_LEFT_FREE)} MB are kept free for what is saved.",
        f"Make room: df -h {typed(where)}",
        str(where),
    )


def _megabytes(number: int) -> int:
    return math.ceil(number / 1e6)
