"""Set-up on the screen: one line a step, growing in a terminal, a line a change in a log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.console import Console
from kohya_wrap.workflow.provision import News

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_MARK = {"working": "…", "done": "✓", "kept": "✓", "waits": "·", "failed": "✗"}
_QUIET = 10.0  # seconds between two lines of one download in a log


class SetupDisplay:
    """Takes News from several threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def __enter__(self) -> SetupDisplay:
        if self._console.live:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                SpinnerColumn(finished_text=" "),
                TextColumn("{task.description:<12}"),
                TextColumn("{task.fields[text]}"),
                TimeElapsedColumn(),
                console=self._console.out,
            )
            self._progress.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._progress is not None:
            self._progress.stop()

    def on_news(self, news: News) -> None:
        with self._lock:
            now = time.monotonic()
            self._began.setdefault(news.step, now)
            text = _text(news, now - self._began[news.step])
            if self._progress is not None:
                self._grow(self._progress, news, text)
            elif self._worth_a_line(news, now):
                self._said[news.step] = now
                self._console.say(f"{_MARK[news.state]} {news.step:<12} {text}".rstrip())

    def _grow(self, progress: Progress, news: News, text: str) -> None:
        if news.step not in self._tasks:
            self._tasks[news.step] = progress.add_task(news.step, total=1, text="")
        finished = news.state != "working"
        fields: dict[str, Any] = {"text": text} if text or finished else {}
        progress.update(
            self._tasks[news.step],
            completed=int(finished),
            description=f"{_MARK[news.state]} {news.step}",
            **fields,
        )

    def _worth_a_line(self, news: News, now: float) -> bool:
        if news.state != "working":
            return True
        if not (news.text or news.total):
            return False
        return news.step not in self._said or now - self._said[news.step] > _QUIET


def _text(news: News, seconds: float) -> str:
    if news.total:
        return f"{news.done / 1e9:.2f} of {news.total / 1e9:.2f} GB"
    if news.state == "kept":
        return news.text or "found done"
    if news.state == "done" and seconds >= 1:
        return f"{news.text}{'  ' if news.text else ''}{seconds:.0f} s"
    return news.text
