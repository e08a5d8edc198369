"""What the engine shows: rich's log lines and tqdm's bars on stderr, the rest on stdout."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")

_last_time = ""


def log(message: str, level: str = "INFO") -> None:
    """In rich's four columns: time where it is another, level, message, `file:line`; what is too long is not folded."""
    global _last_time
    caller = sys._getframe(1)
    place = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    shown, _last_time = ("" if now == _last_time else now), now
    width = max(1, shutil.get_terminal_size().columns - len(place) - 30)
    for number, row in enumerate(message.split("\n")):
        left, right = (f"{shown:19} {level:8}", place) if number == 0 else (" " * 28, " " * len(place))
        print(f"{left} {row:{width}} {right}", file=sys.stderr, flush=True)


class Bar:
    """One tqdm bar; like the engine's, it ends with a newline only when it is closed."""

    def __init__(self, total: int, title: str = "") -> None:
        self._total, self._title, self._done, self._postfix = total, title, 0, ""
        self._start = time.monotonic()
        self.draw()

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._drawn >= 0.1:  # tqdm's mininterval
            self.draw()

    def draw(self, loss: float | None = None, end: str = "") -> None:
        self._drawn = time.monotonic()
        self._postfix = self._postfix if loss is None else f", avr_loss={loss:.3g}"
        seconds, share = self._drawn - self._start, self._done / max(1, self._total)
        rate = self._done / seconds if seconds else 0.0
        speed = "?it/s" if not rate else f"{1 / rate:5.2f}s/it" if rate < 1 else f"{rate:5.2f}it/s"
        left = _clock((self._total - self._done) / rate) if rate else "?"
        bar = f"{share * 100:3.0f}%|{'█' * int(share * 10):10}| {self._done}/{self._total}"
        text = f"\r{self._title}{bar} [{_clock(seconds)}<{left}, {speed}{self._postfix}]"
        sys.stdout.flush()
        print(text, end=end, file=sys.stderr, flush=True)


def track(items: Sequence[Item], title: str = "") -> Iterator[Item]:
    bar = Bar(len(items), title)
    for item in items:
        yield item
        bar.advance()
    bar.draw(end="\n")


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return (f"{hours}:" if hours else "") + f"{rest // 60:02d}:{rest % 60:02d}"
