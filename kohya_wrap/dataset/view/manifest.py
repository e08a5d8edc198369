"""What stands in a view for what, on disk: for whoever keeps its caches later, and for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.dataset.view.store import Kind
from kohya_wrap.domain.wording import counted

NAME = "view.json"


@dataclass(frozen=True)
class CacheFile:
    """A file that the engine reads, or else writes, and where in the store it belongs."""

    kind: str
    path: str
    key: str

    @property
    def of(self) -> Kind:
        return Kind[self.kind]


@dataclass(frozen=True)
class Line:
    """One image of a view.

    Attributes:
        path: in the view, as are those of the caches.
        digest: of the file's bytes, where it is the user's own and might change under the engine.
    """

    path: str
    source: str
    converted: tuple[str, ...]
    caption: str
    digest: str
    caches: tuple[CacheFile, ...]


def write(folder: Path, lines: Iterable[Line]) -> None:
    text = json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=1)
    (folder / NAME).write_text(text, encoding="utf-8")


def read(folder: Path) -> list[Line]:
    """Nothing where there is none that can be read: then nothing is kept of that view."""
    try:
        return [_line(item) for item in json.loads((folder / NAME).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def changes(before: Iterable[Line], now: Iterable[Line]) -> str:
    """What is not as it was, in words: "2 images more, 1 caption changed"; nothing where all is. Folders are known by their names,
    for a project may have moved."""
    old, new = ({Path(line.source).parts[-2:]: line for line in lines} for lines in (before, now))
    both = [(old[name], new[name]) for name in old.keys() & new.keys()]
    numbers = (
        (len(new.keys() - old.keys()), "image", "more"),
        (len(old.keys() - new.keys()), "image", "fewer"),
        (sum(a.digest != b.digest for a, b in both), "image", "changed"),
        (sum(a.caption != b.caption for a, b in both), "caption", "changed"),
    )
    return ", ".join(f"{counted(number, thing)} {how}" for number, thing, how in numbers if number)


def _line(item: dict[str, Any]) -> Line:
    return Line(**item | {"caches": tuple(CacheFile(**cache) for cache in item["caches"])})
