"""Caches of the engine's that lie beside the images from earlier runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kohya_wrap.dataset.check.remarks import listed
from kohya_wrap.domain.dataset import Subset
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level, typed

# As the engine names them for the family (engine contract, sections 1 and 8): latents, and text encoder outputs.
_LATENTS = {FamilyName.SD15: r"_\d{4,}x\d{4,}_sd", FamilyName.SDXL: r"_\d{4,}x\d{4,}_sdxl"}
_TEXTS = {FamilyName.SD15: "", FamilyName.SDXL: "|_te_outputs"}


def findings(subsets: Sequence[Subset], family: FamilyName) -> Iterator[Finding]:
    """A cache stands for its image by its name alone, whatever has become of the image since."""
    ending = re.compile(rf"(?:{_LATENTS[family]}{_TEXTS[family]})?\.npz$")
    for subset in subsets:
        images = {image.path.stem: image.path for image in subset.images}
        held = [
            (path, images[stem])
            for path in sorted(subset.folder.glob("*.npz"))
            if (stem := ending.sub("", path.name)) in images
        ]
        if held:
            yield _finding(subset.folder, held)


def _finding(folder: Path, held: Sequence[tuple[Path, Path]]) -> Finding:
    older = sum(cache.stat().st_mtime < image.stat().st_mtime for cache, image in held)
    count = f"{len(held)} caches" if len(held) > 1 else "a cache"
    stale = f" ({older} older than the image)" if older else ""
    return Finding(
        Level.NOTE, "caches-beside",
        f"{folder.name}/ holds {count} of earlier runs{stale}: {listed([cache.name for cache, _ in held])}. `run` does not "
        "use them; sd-scripts by itself would, whatever has changed since.",
        f"rm {typed(folder)}/*.npz", str(folder),
    )  # fmt: skip
