"""The WD14 tagger: booru tags for pictures, as its author's own page computes them (SmilingWolf/wd-tagger)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.errors import EngineError
from kohya_wrap.host import image_pixels
from kohya_wrap.host.onnx_model import OnnxModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL, TAGS = "model.onnx", "selected_tags.csv"
_GENERAL, _CHARACTER = "0", "4"  # categories of the table; 9 are ratings, which describe no picture
# Tags that are faces: their underscores are eyes and mouths. The list is the tagger's author's.
_FACES = frozenset({
    "0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3",
    "6_9", ">_o", "@_@", "^_^", "o_o", "u_u", "x_x", "|_|", "||_||",
})  # fmt: skip


@dataclass(frozen=True)
class Thresholds:
    """How sure the tagger must be of a tag, 0 to 1."""

    general: float = 0.35
    character: float = 0.85


@dataclass(frozen=True)
class Tag:
    """One output of the model; `category` as its table has it."""

    name: str
    category: str


class Tagger:
    """A model and its table of tags, loaded."""

    def __init__(self, folder: Path, thresholds: Thresholds) -> None:
        """Raises EngineError: `folder` holds no tagger, or one of another kind; no onnxruntime."""
        if not (folder / MODEL).is_file():
            raise _no_tagger(folder, f"There is no {MODEL} in it.")
        self._tags = read_tags(folder / TAGS)
        self._model = OnnxModel(folder / MODEL)
        self._thresholds = thresholds
        self._side = _side(self._model, folder)
        _require_same_count(self._model, len(self._tags), folder)

    @property
    def runs_on(self) -> str:
        return self._model.runs_on

    def tag(self, pictures: Sequence[Path], batch: int) -> Iterator[list[tuple[Path, list[str] | Finding]]]:
        """Batch by batch, in their order: the tags of each picture, or why there are none.

        The next batch is read while the model works on this one.
        """
        size = self._model.input_shape[0] or batch
        batches = [pictures[start : start + size] for start in range(0, len(pictures), size)]
        with ThreadPoolExecutor(4) as pool:
            read = [pool.submit(self._prepared, path) for path in batches[0]] if batches else []
            for number, paths in enumerate(batches):
                prepared = [future.result() for future in read]
                after = batches[number + 1] if number + 1 < len(batches) else []
                read = [pool.submit(self._prepared, path) for path in after]
                yield list(zip(paths, self._tagged(prepared), strict=True))

    def _prepared(self, path: Path) -> NDArray[np.float32] | Finding:
        try:
            return prepare(path, self._side)
        except Exception as error:  # Pillow raises a dozen kinds
            said = re.split(" ['<]", str(error))[0] or type(error).__name__
            return Finding(
                Level.ERROR, "unreadable", f"{path.parent.name}/{path.name} cannot be read ({said}): no caption.",
                f"Replace it, or: rm {typed(path)}", str(path),
            )  # fmt: skip

    def _tagged(self, prepared: Sequence[NDArray[np.float32] | Finding]) -> list[list[str] | Finding]:
        import numpy as np

        pixels = [one for one in prepared if not isinstance(one, Finding)]
        if not pixels:
            return [one for one in prepared if isinstance(one, Finding)]
        fixed = self._model.input_shape[0] or len(pixels)
        blank = [np.zeros_like(pixels[0])] * (fixed - len(pixels))
        scores = iter(self._model.run(np.stack([*pixels, *blank])))
        return [
            one if isinstance(one, Finding) else chosen(self._tags, next(scores), self._thresholds)
            for one in prepared
        ]


def prepare(path: Path, side: int) -> NDArray[np.float32]:
    """The picture as a person sees it, on a white square, as (side, side, 3): blue, green, red from 0 to 255."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        seen = image_pixels.as_seen(image)
    longest = max(seen.size)
    square = Image.new("RGB", (longest, longest), image_pixels.WHITE)
    square.paste(seen, ((longest - seen.width) // 2, (longest - seen.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(square, dtype=np.float32)[:, :, ::-1]


def chosen(tags: Sequence[Tag], scores: NDArray[np.float32], thresholds: Thresholds) -> list[str]:
    """Names above their threshold: characters first, then the rest; in each the surest first."""
    least = {_CHARACTER: thresholds.character, _GENERAL: thresholds.general}
    found = [
        (tag.category != _CHARACTER, -float(score), tag.name)
        for tag, score in zip(tags, scores, strict=True)
        if tag.category in least and score > least[tag.category]
    ]
    return [as_words(name) for _, _, name in sorted(found)]


def as_words(name: str) -> str:
    return name if name in _FACES else name.replace("_", " ")


def read_tags(file: Path) -> list[Tag]:
    """Raises EngineError: the table is not there, or has no names and categories."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return [Tag(row["name"], row["category"]) for row in rows]
    except OSError as error:
        raise _no_tagger(file.parent, f"{TAGS} cannot be read ({error.strerror}).") from None
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise _no_tagger(file.parent, f"{TAGS} is no table with the columns name and category.") from None


def _side(model: OnnxModel, folder: Path) -> int:
    """Of the square that the model looks at."""
    shape = model.input_shape
    if len(shape) != 4 or shape[3] != 3 or shape[1] is None or shape[1] != shape[2]:
        raise _no_tagger(
            folder, f"{MODEL} does not take square pictures of three channels last, but {shape}."
        )
    return shape[1]


def _require_same_count(model: OnnxModel, tags: int, folder: Path) -> None:
    outputs = model.output_shape[-1] if model.output_shape else None
    if outputs != tags:
        raise _no_tagger(folder, f"{TAGS} lists {tags} tags, {MODEL} answers with {outputs}.")


def _no_tagger(folder: Path, why: str) -> EngineError:
    return EngineError(
        f"{folder} holds no WD14 tagger.",
        why=why,
        hint=f"Give a folder with {MODEL} and {TAGS} of one and the same tagger, or leave --model out.",
    )
