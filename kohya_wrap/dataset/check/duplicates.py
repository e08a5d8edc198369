"""Pictures that are there twice: the same file, nearly the same picture, its mirror image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kohya_wrap.dataset.check.look import Look
from kohya_wrap.domain import likeness
from kohya_wrap.domain.finding import Finding, Level

_TELLING = 3.0  # bits of entropy: pictures that show next to nothing are all alike
_GROUPS = 3  # named in a message
_OTHERS = 10  # named of one image; of a thousand copies each would name a thousand


@dataclass(frozen=True)
class Twins:
    """Groups of names.

    Attributes:
        same: files with the same bytes.
        alike: pictures that look alike; of the same files, one.
        mirrored: pairs of which one is the other's mirror image.
    """

    same: tuple[tuple[str, ...], ...]
    alike: tuple[tuple[str, ...], ...]
    mirrored: tuple[tuple[str, str], ...]

    def of(self) -> dict[str, tuple[str, ...]]:
        """Name -> others that show nearly the same: the first of them, where there are very many."""
        others: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for group in (*self.same, *self.alike):
            for name in group:
                others[name] += tuple(other for other in group[: _OTHERS + 1] if other != name)[:_OTHERS]
        return others


def find(digests: Mapping[str, str], looks: Mapping[str, Look]) -> Twins:
    """Compare all images, by the digest of each file and by how each looks."""
    by_digest: dict[str, list[str]] = defaultdict(list)
    for name, digest in digests.items():
        by_digest[digest].append(name)
    same = tuple(tuple(group) for group in by_digest.values() if len(group) > 1)
    copies = {name for group in same for name in group[1:]}
    told = {n: look for n, look in looks.items() if look.entropy >= _TELLING and n not in copies}
    prints = {name: look.likeness for name, look in told.items()}
    turned = likeness.pairs(prints, {name: look.mirrored for name, look in told.items()})
    return Twins(
        same,
        tuple(likeness.groups(prints)),
        tuple(
            (one, other) for one, other in turned if one < other and not prints[one].is_near(prints[other])
        ),
    )


def findings(twins: Twins, *, flip: bool) -> Iterator[Finding]:
    if twins.same:
        yield Finding(
            Level.WARNING, "duplicate", f"{_files(twins.same)} the same file as another: {_groups(twins.same)}.",
            "Keep one of each: what is there twice weighs twice.",
        )  # fmt: skip
    if twins.alike:
        yield Finding(
            Level.WARNING, "near-duplicate",
            f"{_files(twins.alike)} nearly the same picture as another: {_groups(twins.alike)}.",
            "Keep the best of each, unless they differ in what shall be learned.",
        )  # fmt: skip
    if twins.mirrored and flip:
        yield Finding(
            Level.NOTE, "mirrored", f"{_files(twins.mirrored)} the mirror image of another, which flip_aug makes by itself: "
            f"{_groups(twins.mirrored)}.", "Keep one of each.",
        )  # fmt: skip


def _files(groups: Sequence[Sequence[str]]) -> str:
    count = sum(len(group) - 1 for group in groups)
    return f"{count} images are" if count > 1 else "1 image is"


def _groups(groups: Sequence[Sequence[str]]) -> str:
    named = "; ".join(" = ".join(group[:4]) + (" = …" if group[4:] else "") for group in groups[:_GROUPS])
    return named + (f"; and {len(groups) - _GROUPS} more" if len(groups) > _GROUPS else "")
