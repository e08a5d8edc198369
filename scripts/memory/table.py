"""Every simulation that the shipped memory model is fitted to: into a file of JSON lines, going on where it stopped.

    cd ENGINE_SOURCE; PYTHONPATH=.:KOHYA_WRAP ENGINE_PYTHON -m scripts.memory.table ROWS.jsonl [unseen]

About two hours on one core. `fit` makes presets/memory.toml of it; with `unseen`, other setups, by which the fit is judged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

from scripts.memory import phases
from scripts.memory.simulate import Setup, simulated

SHAPES = {  # width, height, images, dim
    "sd15": [
        (512, 512, 1, 32),
        (512, 512, 4, 32),
        (512, 512, 1, 128),
        (512, 512, 4, 128),
        (512, 512, 8, 32),
        (640, 448, 3, 16),
        (768, 768, 1, 32),
        (768, 768, 2, 8),
        (1024, 1024, 1, 4),
    ],
    "sdxl": [
        (1024, 1024, 1, 32),
        (1024, 1024, 4, 32),
        (1024, 1024, 1, 128),
        (1024, 1024, 4, 128),
        (1024, 1024, 8, 32),
        (832, 1216, 2, 16),
        (768, 768, 1, 8),
        (1280, 1280, 1, 32),
        (640, 1536, 3, 64),
    ],
}
# The largest gradients beside the smallest pictures, where these, and no activations, decide.
GRADIENTS = {
    "sd15": [(320, 320, 1, 64), (512, 512, 2, 256)],
    "sdxl": [(768, 768, 1, 128), (1024, 1024, 2, 256)],
}
# Between the two, where with checkpointing now these and now those decide.
BETWEEN = {
    "sd15": [(512, 512, 2, 128), (384, 384, 1, 128), (512, 768, 2, 64), (640, 640, 4, 256)],
    "sdxl": [(1024, 1024, 2, 128), (896, 896, 1, 64), (1024, 1024, 1, 256), (768, 768, 4, 64)],
}
PRECISIONS: dict[str, dict[str, Any]] = {
    "half": {},
    "full_half": {"full_half": True},
    "single": {"half": False},
    "fp8": {"fp8": True},
}


def setups() -> Iterator[Setup]:
    """U-Nets alone, in every kind of attention and precision; then what else may stand on the card."""
    for attention in ("sdpa", "none"):
        for kind in PRECISIONS.values():
            for family, shapes in SHAPES.items():
                for checkpointed in (True, False):
                    for width, height, batch, dim in shapes:
                        yield Setup(
                            family=family,
                            width=width,
                            height=height,
                            batch=batch,
                            dim=dim,
                            checkpointed=checkpointed,
                            attention=attention,
                            encoders="cached",
                            **kind,
                        )
    for family, shapes in SHAPES.items():
        size = dict(zip(("width", "height"), shapes[0][:2], strict=True))
        for checkpointed in (True, False):
            plain = Setup(family=family, checkpointed=checkpointed, encoders="cached", **size)
            for half in (True, False):
                for batch, chunks, dim in ((1, 1, 32), (4, 1, 32), (4, 3, 32), (2, 2, 128)):
                    for encoders in ("on card", "trained"):
                        yield replace(
                            plain, half=half, encoders=encoders, batch=batch, chunks=chunks, dim=dim
                        )
            for conv_dim, batch, dim in ((16, 1, 32), (16, 4, 32), (32, 2, 16)):
                yield replace(plain, conv_dim=conv_dim, batch=batch, dim=dim)
            if not checkpointed:
                yield replace(plain, fp8=True, encoders="on card")
            for batch, chunks in ((1, 3), (4, 3)):
                yield replace(plain, batch=batch, chunks=chunks)
            for batch, dim in ((1, 32), (2, 128)):
                yield replace(plain, accumulated=2, batch=batch, dim=dim)
                yield replace(plain, optimizer="AdamW", batch=batch, dim=dim)

    for shapes, attentions in ((GRADIENTS, ("sdpa", "none")), (BETWEEN, ("sdpa",))):
        for attention, kind in product(attentions, PRECISIONS.values()):
            for family, more in shapes.items():
                for width, height, batch, dim in more:
                    size = {"width": width, "height": height, "batch": batch, "dim": dim}
                    yield Setup(
                        family=family, checkpointed=True, attention=attention, encoders="cached", **size, **kind
                    )  # fmt: skip


def unseen() -> Iterator[Setup]:
    """To which nothing is fitted: by these the fit is judged."""
    cached = Setup(encoders="cached")
    yield replace(cached, width=576, height=448, batch=2, dim=24)
    yield replace(cached, width=704, height=384, batch=6, dim=64, checkpointed=True)
    yield replace(cached, width=512, height=512, batch=5, dim=48, encoders="trained", checkpointed=True)
    yield replace(cached, width=640, height=640, batch=2, dim=16, attention="none", half=False)
    yield replace(cached, width=512, height=768, batch=3, dim=128, encoders="on card")
    large = replace(cached, family="sdxl")
    yield replace(large, width=896, height=1152, batch=1, dim=16)
    yield replace(large, width=1152, height=896, batch=3, dim=48, checkpointed=True)
    yield replace(large, width=1024, height=1024, batch=2, dim=8, encoders="trained", checkpointed=True)
    yield replace(large, width=768, height=1344, batch=2, dim=256, full_half=True, checkpointed=True)
    yield replace(large, width=960, height=960, batch=1, dim=24, fp8=True, checkpointed=True)
    yield replace(large, width=1024, height=1024, batch=1, dim=32, conv_dim=24, encoders="trained")


def other_phases() -> Iterator[dict[str, Any]]:
    for half in (True, False):
        for width, height, batch in (
            (512, 512, 1),
            (512, 512, 4),
            (768, 768, 1),
            (1024, 1024, 1),
            (832, 1216, 2),
        ):
            for kind in ("encode", "decode"):
                yield {"kind": kind, "width": width, "height": height, "batch": batch, "half": half}
        for family, sides in (("sd15", (512, 768)), ("sdxl", (1024, 768))):
            for side in sides:
                yield {
                    "kind": "sample",
                    "width": side,
                    "height": side,
                    "batch": 2,
                    "half": half,
                    "family": family,
                }


def main(rows: Path, which: str = "seen") -> None:
    done = (
        {json.dumps(json.loads(line)["what"]) for line in rows.read_text().splitlines()}
        if rows.exists()
        else set()
    )
    with rows.open("a") as file:
        for setup in setups() if which == "seen" else unseen():
            what = asdict(setup)
            if json.dumps(what) not in done:
                print(json.dumps({"what": what, "need": asdict(simulated(setup))}), file=file, flush=True)
        for phase in other_phases() if which == "seen" else ():
            if json.dumps(phase) not in done:
                print(json.dumps({"what": phase, "bytes": phases.simulated(**phase)}), file=file, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
