"""Lay a training view out for one run: links to the user's images, captions, and the caches of earlier runs."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kohya_wrap.dataset.view import manifest
from kohya_wrap.dataset.view.manifest import CacheFile, Line
from kohya_wrap.dataset.view.store import Kind, Store, key_of, picture_key
from kohya_wrap.domain.view import Entry, Folder
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import atomic, image_file, image_pixels, second_name


@dataclass(frozen=True)
class CachedWith:
    """What the engine's caches depend on besides the image and its caption; empty where none is kept on disk.

    Attributes:
        ending: of a file of latents, behind the image's name and its size.
    """

    latents: str = ""
    texts: str = ""
    ending: str = "_sd.npz"


@dataclass(frozen=True)
class Part:
    """What is laid out in one folder of the view, in one way.

    Attributes:
        path: of that folder, in the view.
        extension: of the captions.
    """

    path: str
    folders: tuple[Folder, ...]
    extension: str
    cached: CachedWith


@dataclass(frozen=True)
class View:
    """A folder for one run.

    Attributes:
        lines: what stands in it.
        lacking: how many caches of each kind no earlier run has left.
    """

    root: Path
    lines: tuple[Line, ...]
    lacking: Mapping[Kind, int]


def lay_out(target: Path, parts: Sequence[Part], store: Store) -> View:
    """Make `target`, whole or not at all.

    Raises:
        DatasetError: an image was changed since it was looked at.
        OSError: no room, no rights.
    """
    with atomic.new_folder(target) as root, ThreadPoolExecutor(4) as pool:
        todo = [item for part in parts for item in _all(part, root, store)]
        copies = {picture_key(e): e for _, _, e in todo if e.converted}  # images alike have one
        list(pool.map(lambda key: store.picture(key, partial(_convert, copies[key])), copies))
        placed = list(pool.map(lambda item: item[0].put(item[1], item[2]), todo))
        lines = tuple(line for line, _ in placed)
        manifest.write(root, lines)
    store.prune(frozenset(_in_store(store, copies, lines)))
    return View(target, lines, Counter(kind for _, lacking in placed for kind in lacking))


def _all(part: Part, root: Path, store: Store) -> Iterator[tuple[_Placing, Path, Entry]]:
    placing = _Placing(root, part.extension, store, part.cached)
    for folder in part.folders:
        place = root / part.path / folder.name
        place.mkdir(parents=True)
        for entry in folder.entries:
            yield placing, place, entry


@dataclass(frozen=True)
class _Placing:
    root: Path
    extension: str
    store: Store
    cached: CachedWith

    def put(self, folder: Path, entry: Entry) -> tuple[Line, list[Kind]]:
        """The entry's files; and the caches that the engine will have to make."""
        image = folder / entry.name
        if entry.converted:
            atomic.link_or_copy(self.store.path(Kind.PICTURES, picture_key(entry)), image)
        else:
            second_name.give(entry.image.path, image)
        image.with_suffix(self.extension).write_text(entry.caption, encoding="utf-8", newline="\n")
        path = image.relative_to(self.root)
        caches = tuple(_caches(entry, path.with_suffix(""), self.cached))
        lacking = [c.of for c in caches if not self.store.give(c.of, c.key, self.root / c.path)]
        digest = "" if entry.converted else entry.image.facts.digest
        source = str(entry.image.path)
        return Line(path.as_posix(), source, entry.converted, entry.caption, digest, caches), lacking


def _caches(entry: Entry, stem: Path, cached: CachedWith) -> Iterator[CacheFile]:
    """Named as the engine names them (engine contract, sections 1 and 8)."""
    width, height = entry.image.facts.size
    if cached.latents:
        path = f"{stem.as_posix()}_{width:04d}x{height:04d}{cached.ending}"
        yield CacheFile(Kind.LATENTS.name, path, key_of(picture_key(entry), cached.latents))
    if cached.texts:
        path = f"{stem.as_posix()}_te_outputs.npz"
        yield CacheFile(Kind.TEXTS.name, path, key_of(entry.caption, cached.texts))


def _in_store(store: Store, pictures: Iterable[str], lines: Iterable[Line]) -> Iterator[Path]:
    for key in pictures:
        yield store.path(Kind.PICTURES, key)
    for line in lines:
        for cache in line.caches:
            yield store.path(cache.of, cache.key)


def _convert(entry: Entry, target: Path) -> None:
    from PIL import Image

    content = entry.image.path.read_bytes()
    if image_file.of_bytes(content).digest != entry.image.facts.digest:
        raise DatasetError(
            f"{entry.image.path} was changed while it was read.",
            why="Another program works on the dataset.",
            hint="Run the same again when that has finished.",
        )
    background = None if entry.keeps_alpha else image_pixels.WHITE
    with Image.open(io.BytesIO(content)) as image:
        image_pixels.as_seen(image, background).save(target, "PNG", compress_level=1)
