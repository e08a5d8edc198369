"""Keep what the engine has encoded into a view, and remove the view."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from pathlib import Path

from kohya_wrap.dataset.view import manifest
from kohya_wrap.dataset.view.manifest import CacheFile, Line
from kohya_wrap.dataset.view.store import Kind, Store
from kohya_wrap.host import image_file, lock


def clear(view: Path, store: Store) -> None:
    """Keep its caches, remove the rest."""
    lines = manifest.read(view)
    used = set()
    for line in lines:
        for cache in line.caches:
            used.add(store.path(cache.of, cache.key))
            _keep(view, line, cache, store)
    store.prune(used)
    shutil.rmtree(view, ignore_errors=True)


def _keep(view: Path, line: Line, cache: CacheFile, store: Store) -> None:
    made = view / cache.path
    if not made.exists() or store.path(cache.of, cache.key).exists():
        return
    if cache.of is Kind.LATENTS and line.digest and not _is_unchanged(view / line.path, line.digest):
        return  # edited in place while the engine read it: nobody knows which of the two was encoded
    store.take(cache.of, cache.key, made)


def _is_unchanged(image: Path, digest: str) -> bool:
    try:
        return image_file.facts(image).digest == digest
    except image_file.Unreadable:
        return False


def sweep(views: Path, store: Store, at_work: Set[str]) -> None:
    """What killed runs have left: half a view is removed, a whole one cleared.

    Args:
        at_work: names of views whose trainer still lives, though its kohya-wrap does not.
    """
    for left in views.glob(".*.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    for name in sorted({*_names(views)} - at_work - {store.root.name}):
        view = views / name
        try:
            with lock.hold(view, wait=False):
                if view.exists():
                    clear(view, store)
        except lock.Busy:
            continue
        lock_file(view).unlink(missing_ok=True)


def _names(views: Path) -> Iterator[str]:
    """Of views, and of those that were not begun when their run was killed."""
    for path in views.iterdir() if views.exists() else ():
        is_lock = path.name.startswith(".") and path.suffix == ".lock"
        if is_lock or not path.name.startswith("."):
            yield path.name[1:].removesuffix(".lock") if is_lock else path.name


def lock_file(view: Path) -> Path:
    return view.with_name(f".{view.name}.lock")
