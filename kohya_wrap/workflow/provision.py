"""What a training needs from outside: engine, environment, tokenizers, and weights beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from kohya_wrap.engine import checkout, disk, install, locate, pin, tokenizers, weights
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.install import Environment
from kohya_wrap.engine.locate import Engine
from kohya_wrap.engine.reference import Catalogued, Local, Reference
from kohya_wrap.engine.weights import Weights
from kohya_wrap.places import Places

State = Literal["working", "done", "kept", "waits", "failed"]


@dataclass(frozen=True)
class News:
    """What a set-up step has to say. `done` of `total` bytes where it downloads."""

    step: str
    state: State
    text: str = ""
    done: int = 0
    total: int = 0


T = TypeVar("T")
OnNews = Callable[[News], None]


@dataclass(frozen=True)
class Wanted:
    """How to provide; `base` None where no weights are needed.

    Attributes:
        models: the project's folder that gets a link to the weights.
    """

    base: Reference | None
    models: Path
    engine_dir: Path | None = None
    reuse_torch: bool = False
    allow_pickle: bool = False


@dataclass(frozen=True)
class Provided:
    checkout: Checkout
    environment: Environment
    engine: Engine
    weights: Weights | None


def provide(wanted: Wanted, places: Places, on_news: OnNews) -> Provided:
    """Find or fetch all of it, the weights while the environment installs; each part is a transaction of its own.

    Raises:
        EngineError, MachineError: the first part that failed; what the others finished is kept.
    """
    _require_room(wanted, places)
    downloading = _beside(lambda: _weights(wanted, places, on_news))
    if isinstance(wanted.base, Local):
        downloading.result()  # there at once or not at all
    the_pin = pin.load()
    source = _step(
        "engine",
        checkout.find(the_pin, places, engine_dir=wanted.engine_dir),
        on_news,
        lambda say: checkout.ensure(the_pin, places, say, engine_dir=wanted.engine_dir),
    )
    if downloading.done():  # in vain, for all we know: then no need for the gigabytes below
        downloading.result()
    environment = _step(
        "environment",
        install.find(the_pin, places),
        on_news,
        lambda say: install.ensure(the_pin, source, places, say, reuse_torch=wanted.reuse_torch),
    )
    folder = _step(
        "tokenizers",
        tokenizers.find(places),
        on_news,
        lambda say: tokenizers.ensure(environment.python, places, say),
    )
    return Provided(source, environment, locate.real(source, environment, folder), downloading.result())


def _require_room(wanted: Wanted, places: Places) -> None:
    """Environment and weights come at the same time: each alone would find the room that the other is filling."""
    lacking = missing(wanted, places)
    if isinstance(wanted.base, Catalogued) and {"environment", "weights"} <= set(lacking):
        needed = install.bytes_needed(places.home, reuse_torch=wanted.reuse_torch)
        needed += weights.bytes_needed(wanted.base, wanted.models, places)
        disk.require_free(places.home, needed, "the engine's environment and the base weights")


def _beside(work: Callable[[], T]) -> Future[T]:
    """Run in a daemon thread: Ctrl-C, or a failure in the other half, must not wait for a download."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def missing(wanted: Wanted, places: Places) -> tuple[str, ...]:
    """The parts `provide` would have to fetch or make."""
    the_pin = pin.load()
    found = {
        "engine": checkout.find(the_pin, places, engine_dir=wanted.engine_dir),
        "environment": install.find(the_pin, places),
        "tokenizers": tokenizers.find(places),
        "weights": wanted.base is None
        or weights.find(wanted.base, wanted.models, places, allow_pickle=wanted.allow_pickle),
    }
    return tuple(name for name, part in found.items() if not part)


def _step(name: str, found: T | None, on_news: OnNews, ensure: Callable[[Callable[[str], None]], T]) -> T:
    if found is None:
        return telling(name, on_news, ensure)
    on_news(News(name, "kept"))
    return found


def _weights(wanted: Wanted, places: Places, on_news: OnNews) -> Weights | None:
    if wanted.base is None:
        return None
    base = wanted.base
    found = weights.find(base, wanted.models, places, allow_pickle=wanted.allow_pickle)
    if found is not None:
        on_news(News("weights", "kept", found.name))
        return found

    def fetch(say: Callable[[str], None]) -> Weights:
        def progress(done: int, total: int) -> None:
            on_news(News("weights", "working", "", done, total))

        return weights.ensure(
            base, wanted.models, places, allow_pickle=wanted.allow_pickle, say=say, progress=progress
        )

    return telling("weights", on_news, fetch)


def telling(name: str, on_news: OnNews, work: Callable[[Callable[[str], None]], T]) -> T:
    on_news(News(name, "working"))
    try:
        result = work(lambda text: on_news(News(name, "working", text)))
    except BaseException:
        on_news(News(name, "failed"))
        raise
    on_news(News(name, "done"))
    return result
