"""presets/memory.toml from the simulated rows: `uv run --group dev python -m scripts.memory.fit scripts/memory/rows.jsonl > presets/memory.toml`

Least squares of the relative error, over what decides: images times area, dim, the gradients' bytes. Of a step with gradient
checkpointing two moments can be the highest, at the activations' peak or where all gradients have come: each row is given to
one of them so that the worst error is least. What each fit misses by is written beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np

MB = 1e6
Row = dict[str, Any]
Array = np.ndarray[Any, np.dtype[np.float64]]
# Columns that each moment's fit has; the last where attention grows with the square of a picture's size.
ACTIVATIONS, GRADIENTS, ALL, SQUARED = (0, 2, 3), (0, 1, 2), (0, 1, 2, 3), 4
ENCODERS_DIM = {"sd15": 165_888, "sdxl": 903_168}  # numbers trained in the text encoders for each dim
FEWEST = 3  # rows to fit a moment to
TRIES = 400


@dataclass(frozen=True)
class Fit:
    """Attributes:
    factors: of each peak, for all columns.
    worst: relative error of the whole need.
    """

    factors: list[list[float]]
    worst: float


def precision(what: Row) -> str:
    if what["fp8"]:
        return "fp8"
    if not what["half"]:
        return "single"
    return "full_half" if what["full_half"] else "half"


def gradients(row: Row) -> float:
    """Bytes: the U-Net's. Those of the text encoders come when its activations are gone."""
    what = row["what"]
    numbers = row["need"]["trained"]
    if what["encoders"] == "trained":
        numbers -= ENCODERS_DIM[what["family"]] * what["dim"]
    return float(numbers * (2 if what["full_half"] else 4))


def standing(row: Row) -> float:
    need = row["need"]
    return float(need["unet"] + need["encoders"] + need["vae"] + need["network"] + need["optimizer"])


def columns(row: Row) -> list[float]:
    what = row["what"]
    area = what["width"] * what["height"] / 64 / 4096
    pictures = what["batch"] * area
    return [MB, gradients(row), pictures * MB, pictures * what["dim"] * MB, pictures * area * MB]


def plain(row: Row) -> bool:
    what = row["what"]
    return (
        what["encoders"] == "cached"
        and not what["conv_dim"]
        and what["accumulated"] == what["chunks"] == 1
        and what["optimizer"] == "AdamW8bit"
    )


def convolved(rows: Sequence[Row]) -> Iterator[str]:
    """MB for each picture and conv_dim."""
    yield "\n[other.convs]"
    plainly = groups(list(filter(plain, rows)), _kind)
    for kind, own in groups([row for row in rows if row["what"]["conv_dim"]], _kind).items():
        family, _, _, checkpointed = kind
        fit = fitted(plainly[kind], checkpointed=checkpointed, squared=False)
        each = [_missing(row, fit) / (columns(row)[2] / MB) / row["what"]["conv_dim"] for row in own]
        yield f'"{family}{" checkpointed" * checkpointed}" = {max(0.0, float(np.mean(each))):.4g}'


def _missing(row: Row, fit: Fit) -> float:
    """MB that a row takes beyond the fit."""
    return (
        row["need"]["most"] - standing(row) - max(float(np.dot(columns(row), one)) for one in fit.factors)
    ) / MB


def fitted(rows: Sequence[Row], *, checkpointed: bool, squared: bool) -> Fit:
    """With checkpointing gradients come block by block, while another's activations are made anew: the highest of several lines."""
    known = np.array([columns(row) for row in rows])
    wanted = np.array([row["need"]["most"] - standing(row) for row in rows])
    weight = np.array([1.0 / row["need"]["most"] for row in rows])
    moments = [
        [*own, *([SQUARED] if squared else [])]
        for own in ([ACTIVATIONS, GRADIENTS, GRADIENTS] if checkpointed else [ALL])
    ]
    chance = np.random.default_rng(0)
    starts = (chance.integers(len(moments), size=len(rows)) for _ in range(TRIES if checkpointed else 1))
    tried = (_settled(start, known, wanted, weight, moments) for start in starts)
    return min(filter(None, tried), key=lambda fit: fit.worst)


def _settled(
    part: Array, known: Array, wanted: Array, weight: Array, moments: Sequence[list[int]]
) -> Fit | None:
    """Each row given to the line that is highest there, until none changes. None: a line has too few rows."""
    for _ in range(20):
        factors = np.zeros((len(moments), known.shape[1]))
        for number, own in enumerate(moments):
            of_it = part == number
            if 0 < of_it.sum() < FEWEST:
                return None
            if of_it.any():
                factors[number, own] = solution(
                    (known * weight[:, None])[of_it][:, own], (wanted * weight)[of_it]
                )
        before, part = part, np.argmax(known @ factors.T, axis=1)
        if (part == before).all():
            break
    missed = np.abs((np.max(known @ factors.T, axis=1) - wanted) * weight)
    return Fit([one.tolist() for one in factors if one.any()], float(missed.max()))


def solution(known: Array, wanted: Array) -> Array:
    """Least squares of which only the constant, the first, may be negative: more of anything never takes less."""
    best, least = np.zeros(known.shape[1]), np.inf
    others = range(1, known.shape[1])
    for kept in chain.from_iterable(combinations(others, count) for count in range(known.shape[1])):
        used = [0, *kept]
        solved, *_ = np.linalg.lstsq(known[:, used], wanted, rcond=None)
        missed = float(((known[:, used] @ solved - wanted) ** 2).sum())
        if missed < least and (solved[1:] >= 0).all():
            least = missed
            best = np.zeros(known.shape[1])
            best[used] = solved
    return best


def above(rows: Sequence[Row], held: str, *, squared: bool) -> list[float]:
    """What the allocator holds above the tensors alive: MB, for each picture, for each and dim, for each times its size."""
    used = [*ACTIVATIONS, *([SQUARED] if squared else [])]
    known = np.array([columns(row) for row in rows])[:, used] / MB
    wanted = np.array([(row["need"][held] - row["need"]["most"]) / MB for row in rows])
    weight = np.array([MB / row["need"]["most"] for row in rows])
    solved = solution(known * weight[:, None], wanted * weight)
    return [*solved, *([] if squared else [0.0])]


def groups(rows: Sequence[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def steps(rows: Sequence[Row]) -> Iterator[str]:
    every = groups(rows, _kind)
    for kind, own in groups(list(filter(plain, rows)), _kind).items():
        family, numbers, attention, checkpointed = kind
        fit = fitted(own, checkpointed=checkpointed, squared=attention == "none")
        yield f"\n[[steps]]  # {len(own)} rows; {fit.worst:.2%} of the need at most"
        yield f'family = "{family}"\nprecision = "{numbers}"\nattention = "{attention}"'
        yield f"checkpointed = {str(checkpointed).lower()}"
        yield f"peaks = {[_short(one) for one in fit.factors]}"
        yield f"loose = {_short(above(every[kind], 'least_card', squared=attention == 'none'))}"
        yield f"kept = {_short(above(every[kind], 'reserved', squared=attention == 'none'))}"


def _short(numbers: Sequence[float]) -> list[float]:
    return [float(f"{number:.5g}") for number in numbers]


def weights(rows: Sequence[Row]) -> Iterator[str]:
    """Bytes, and numbers that are trained for each dim: they do not depend on anything else."""
    for family, own in groups(rows, lambda row: row["what"]["family"]).items():
        yield f"\n[weights.{family}]"
        for part in ("unet", "encoders"):
            held = {
                "single" if kind == "single" else "fp8" if kind == "fp8" else "half": row["need"][part]
                for row in own
                if row["need"][part] and (kind := precision(row["what"]))
            }
            yield f"{part} = {{ {', '.join(f'{kind} = {size}' for kind, size in sorted(held.items()))} }}"
        alone = next(row for row in own if plain(row))
        trained = next(
            row for row in own if row["what"]["encoders"] == "trained" and not row["what"]["conv_dim"]
        )
        conv = next(row for row in own if row["what"]["conv_dim"])
        of_unet = alone["need"]["trained"] // alone["what"]["dim"]
        yield f"unet_dim = {of_unet}"
        assert trained["need"]["trained"] // trained["what"]["dim"] - of_unet == ENCODERS_DIM[family]
        yield f"encoders_dim = {ENCODERS_DIM[family]}"
        more = conv["need"]["trained"] - of_unet * conv["what"]["dim"]
        yield f"conv_dim = {more // conv['what']['conv_dim']}"


def texts(rows: Sequence[Row]) -> Iterator[str]:
    """What trained text encoders take beside, and longer captions."""
    yield "\n[other.texts]  # MB: of trained ones; for each piece of 75 tokens; for each and dim; for each beyond the first, untrained"
    plainly = groups(list(filter(plain, rows)), _kind)
    for kind, own in groups([r for r in rows if r["what"]["encoders"] == "trained"], _kind).items():
        family, numbers, _, checkpointed = kind
        fit = fitted(plainly[kind], checkpointed=checkpointed, squared=False)
        longer = max(
            _missing(row, fit) / row["what"]["batch"] / (row["what"]["chunks"] - 1)
            for row in rows
            if row["what"]["encoders"] != "trained" and row["what"]["chunks"] > 1 and _kind(row) == kind
        )
        known, wanted = [], []
        for row in own:
            batch, chunks = row["what"]["batch"], row["what"]["chunks"]
            known.append([1.0, batch * chunks, batch * chunks * row["what"]["dim"]])
            wanted.append(_missing(row, fit) - longer * batch * (chunks - 1))
        solved = solution(np.array(known), np.array(wanted))
        yield f'"{family} {numbers}{" checkpointed" * checkpointed}" = {_short([*solved, longer])}'


def _kind(row: Row) -> tuple[str, str, str, bool]:
    what = row["what"]
    return what["family"], precision(what), what["attention"], what["checkpointed"]


def phases(rows: Sequence[Row]) -> Iterator[str]:
    """MB and MB for each picture."""
    for kind, own in groups(rows, lambda row: row["what"]["kind"]).items():
        if kind == "sample":  # the VAE's way back needs more, always
            continue
        yield f"\n[other.{kind}]"
        for name, of_it in groups(own, lambda row: "half" if row["what"]["half"] else "single").items():
            known = np.array([[1.0, row["what"]["batch"] * _area(row["what"])] for row in of_it])
            wanted = np.array([row["bytes"] / MB for row in of_it])
            solved, *_ = np.linalg.lstsq(known / wanted[:, None], np.ones(len(wanted)), rcond=None)
            worst = np.abs(known @ solved / wanted - 1).max()
            yield f'"{name}" = {_short(solved)}  # {len(of_it)} rows; {worst:.1%} of it at most'


def _area(what: Row) -> float:
    return float(what["width"] * what["height"] / 64 / 4096)


def work(rows: Sequence[Row]) -> Iterator[str]:
    """TFLOP and kernels."""
    kinds = groups(
        rows, lambda row: (row["what"]["family"], row["what"]["attention"], row["what"]["checkpointed"])
    )
    of_sdpa: dict[tuple[str, bool], Array] = {}
    for (family, attention, checkpointed), own in kinds.items():
        alone = list(filter(plain, own))
        known = np.array([_shape(row) for row in alone])
        wanted = np.array([row["need"]["flops"] / row["what"]["batch"] / 1e12 for row in alone])
        solved, *_ = np.linalg.lstsq(known / wanted[:, None], np.ones(len(wanted)), rcond=None)
        worst = np.abs(known @ solved / wanted - 1).max()
        yield f"\n[[work]]  # {len(alone)} rows; {worst:.2%} at most"
        yield f'family = "{family}"\nattention = "{attention}"\ncheckpointed = {str(checkpointed).lower()}'
        yield f"flops = {_short(solved)}"
        if attention == "sdpa":
            of_sdpa[family, checkpointed] = solved
        for name in ("on card", "trained"):
            more = [
                row["need"]["flops"] / row["what"]["batch"] / 1e12
                - np.dot(_shape(row), of_sdpa[family, checkpointed])
                for row in kinds[family, "sdpa", checkpointed]  # of their own attention, whatever the U-Net's
                if row["what"]["encoders"] == name
                and not row["what"]["conv_dim"]
                and row["what"]["chunks"] == 1
            ]
            yield f'texts."{name}" = {np.mean(more):.3g}'
        halves = [row["need"]["kernels"] for row in alone if row["what"]["half"]]
        yield f"kernels = {round(float(np.median(halves)))}"


def _shape(row: Row) -> list[float]:
    area, dim = _area(row["what"]), row["what"]["dim"]
    return [1.0, area, area * area, area * dim, dim]


def main(rows: Path) -> None:
    told = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    of_steps = [row for row in told if "need" in row]
    of_phases = [row for row in told if "bytes" in row]
    vae = {name: size for name, size in (("half", 167_320_064), ("single", 334_618_112))}
    print(
        "# Made by scripts/memory/fit.py of scripts/memory/rows.jsonl: what the engine's own step was counted to need and to"
    )
    print(
        "# compute, on tensors without content. Not one number is measured on a GPU. Their meaning: domain/memory.py, domain/speed.py."
    )
    print(
        "\n".join(
            [
                *weights(of_steps),
                f"\n[other]\nvae_weights = {{ half = {vae['half']}, single = {vae['single']} }}",
            ]
        )
    )
    print(
        "\n".join(
            [*texts(of_steps), *convolved(of_steps), *phases(of_phases), *steps(of_steps), *work(of_steps)]
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
