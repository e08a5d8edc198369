"""What may be said of one image, and how it is said of many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.domain.finding import Finding, Level

_NAMED = 4  # in a message about many; all of them are in the records


@dataclass(frozen=True)
class Kind:
    """Attributes:
    many: what is so of several images, after "5 of 40 images".
    """

    level: Level
    code: str
    many: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Attributes:
    said: what is so of this image, after its name.
    weight: the heaviest are named first.
    """

    kind: Kind
    said: str
    weight: float = 0.0


def of_one(path: Path, remark: Remark) -> Finding:
    return Finding(remark.kind.level, remark.kind.code, f"{remark.said}.", remark.kind.hint, str(path))


def of_many(remarks: Iterable[tuple[Path, Remark]], images: int) -> Iterator[Finding]:
    """One finding for each kind of remark, of all images."""
    by_code: dict[str, list[tuple[Path, Remark]]] = defaultdict(list)
    for path, remark in remarks:
        by_code[remark.kind.code].append((path, remark))
    for found in by_code.values():
        found.sort(key=lambda one: -one[1].weight)
        if len(found) == 1:
            yield of_one(*found[0])
            continue
        kind = found[0][1].kind
        names = listed([f"{path.parent.name}/{path.name}" for path, _ in found])
        yield Finding(
            kind.level, kind.code, f"{len(found)} of {images} images {kind.many}: {names}.", kind.hint
        )


def listed(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
