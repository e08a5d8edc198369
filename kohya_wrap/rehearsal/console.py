"""What the engine shows: rich's log lines and tqdm's bars on stderr, the rest on stdout."""

from __future__ import annotations

import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")

_last_time = ""


def info(message: str) -> None:
    _log("INFO", message)


def warning(message: str) -> None:
    _log("WARNING", message)


def error(message: str) -> None:
    _log("ERROR", message)


def _log(level: str, message: str) -> None:
    global _last_time
    caller = sys._getframe(2)
    place = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    shown, _last_time = (" " * len(now) if now == _last_time else now), now
    sys.stderr.write(layout(shown, level, message, place, shutil.get_terminal_size((80, 24)).columns))
    sys.stderr.flush()


def layout(now: str, level: str, message: str, place: str, columns: int) -> str:
    """rich's four columns: time, level, the message folded to what is left, `file:line` at the right."""
    width = max(1, columns - len(now) - len(place) - 11)
    text = ""
    for number, row in enumerate(row for line in message.split("\n") for row in _fold(line, width)):
        left, right = (
            (f"{now} {level:<8}", place) if number == 0 else (" " * (len(now) + 9), " " * len(place))
        )
        text += f"{left} {row}{' ' * (width - _cells(row))} {right}\n"
    return text


def _fold(line: str, width: int) -> list[str]:
    rows = [""]
    for word in re.findall(r"\s*\S+\s*|\s+", line):
        if rows[-1] and _cells(rows[-1]) + _cells(word.rstrip()) > width:
            rows.append("")
        while _cells(word.rstrip()) > width:  # a word longer than the column is cut
            cut = next(end for end in range(len(word), 0, -1) if _cells(word[:end]) <= width)
            rows[-1], word = word[:cut], word[cut:]
            rows.append("")
        rows[-1] += word
    return [row if _cells(row) <= width else row.rstrip() for row in rows]


def _cells(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


class Bar:
    """One tqdm bar; like the engine's, it ends with a newline only when it is closed."""

    def __init__(self, total: int, title: str = "") -> None:
        self._total, self._title, self._done, self._postfix = total, f"{title}: " if title else "", 0, ""
        self._start = self._drawn = time.monotonic()
        self._length = 0
        self._draw()

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._drawn >= 0.1:  # tqdm's mininterval
            self._draw()

    def show_loss(self, average: float) -> None:
        self._postfix = f", avr_loss={_number(average)}"
        self._draw()

    def close(self) -> None:
        self._draw()
        sys.stderr.write("\n")
        sys.stderr.flush()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        seconds = self._drawn - self._start
        rate = self._done / seconds if self._done and seconds else 0.0
        speed = "?it/s" if not rate else f"{1 / rate:5.2f}s/it" if rate < 1 else f"{rate:5.2f}it/s"
        if self._total:
            share = self._done / self._total
            left = _clock((self._total - self._done) / rate) if rate else "?"
            text = (
                f"{share * 100:3.0f}%|{_blocks(share)}| {self._done}/{self._total} [{_clock(seconds)}<{left}"
            )
        else:
            text = f"{self._done}it [{_clock(seconds)}"
        text = f"{self._title}{text}, {speed}{self._postfix}]"
        sys.stdout.flush()
        sys.stderr.write("\r" + text.ljust(self._length))
        sys.stderr.flush()
        self._length = len(text)


def track(items: Sequence[Item], title: str = "") -> Iterator[Item]:
    bar = Bar(len(items), title)
    for item in items:
        yield item
        bar.advance()
    bar.close()


def _blocks(share: float) -> str:
    full, eighths = divmod(int(share * 80), 8)
    return ("█" * full + " ▏▎▍▌▋▊▉"[eighths])[:10].ljust(10)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def _number(value: float) -> str:
    short = f"{value:.3g}".replace("e+0", "e+").replace("e-0", "e-")
    return min(short, str(value), key=len)
