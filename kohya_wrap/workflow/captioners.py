"""What writes captions: the WD14 tagger here, BLIP in the engine's environment, or nobody."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kohya_wrap.dataset.tagging import staged
from kohya_wrap.dataset.tagging.wd14 import Tagger, Thresholds
from kohya_wrap.domain.dataset import ImageFacts
from kohya_wrap.domain.finding import Finding
from kohya_wrap.engine import blip, tagger
from kohya_wrap.host import onnx_model
from kohya_wrap.places import Places
from kohya_wrap.workflow.provision import News, OnNews, telling

Pictures = Sequence[tuple[Path, ImageFacts]]
Batch = Iterable[tuple[Path, str | Finding]]  # picture -> its caption, or why there is none


@dataclass(frozen=True)
class Captioner:
    """Which one, and how.

    Attributes:
        model: as given to --model.
    """

    by: Literal["wd14", "blip", "none"]
    model: str
    thresholds: Thresholds
    batch: int
    engine_dir: Path | None

    @property
    def remembered(self) -> str:
        """As a caption's origin: what another run must share, or it writes anew.

        Raises:
            UsageError: --model names nothing.
        """
        if self.by == "wd14":
            least = self.thresholds
            return f"wd14 {tagger.refer(self.model).name} {least.general:g} {least.character:g}"
        if self.by == "blip":
            return f"blip {Path(blip.weights(self.model)).name}".strip()
        return self.by


def captions(captioner: Captioner, pictures: Pictures, places: Places, on_news: OnNews) -> Iterator[Batch]:
    """Batch by batch. Raises EngineError: no tagger, no engine, or it failed."""
    if captioner.by == "none":
        yield [(path, "") for path, _ in pictures]
    elif captioner.by == "wd14":
        yield from _by_wd14(captioner, [path for path, _ in pictures], places, on_news)
    else:
        yield from _by_blip(captioner, pictures, places, on_news)


def _by_wd14(
    captioner: Captioner, pictures: Sequence[Path], places: Places, on_news: OnNews
) -> Iterator[Batch]:
    onnx_model.runtime()  # before a gigabyte comes for it
    folder = _tagger(captioner.model, places, on_news)
    on_news(News("captions", "working", "loading the tagger"))
    loaded = Tagger(folder, captioner.thresholds)
    done = 0
    for batch in loaded.tag(pictures, captioner.batch):
        yield [(path, found if isinstance(found, Finding) else ", ".join(found)) for path, found in batch]
        done += len(batch)
        on_news(News("captions", "working", f"{done} of {len(pictures)}, on the {loaded.runs_on}"))
    on_news(News("captions", "done", f"{done} of {len(pictures)}, on the {loaded.runs_on}"))


def _tagger(model: str, places: Places, on_news: OnNews) -> Path:
    reference = tagger.refer(model)

    def fetch(say: Callable[[str], None]) -> Path:
        def progress(done: int, total: int) -> None:
            on_news(News("tagger", "working", "", done, total))

        return tagger.ensure(reference, places, say, progress)

    if tagger.is_here(reference, places):
        return fetch(lambda text: None)
    return telling("tagger", on_news, fetch)


def _by_blip(captioner: Captioner, pictures: Pictures, places: Places, on_news: OnNews) -> Iterator[Batch]:
    def progress(done: int, total: int) -> None:
        on_news(News("captions", "working", f"{done} of {total}"))

    weights = blip.weights(captioner.model)
    with tempfile.TemporaryDirectory(prefix="kohya-wrap-") as folder:
        laid_out = staged.lay_out(pictures, Path(folder))
        on_news(News("captions", "working", f"starting BLIP; its first run downloads {blip.COST}"))
        try:
            blip.run(laid_out.folder, weights, staged.EXTENSION, places, captioner.engine_dir, progress)
        finally:  # also what was done before it was stopped
            yield list(laid_out.captions())
    on_news(News("captions", "done", f"{len(pictures)} of {len(pictures)}"))
