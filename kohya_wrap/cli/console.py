"""The one place that knows the terminal: words for people, or one JSON envelope for scripts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli import plain
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import KohyaWrapError

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

SCHEMA = 1
_STYLE = {Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}


class Console:
    """Text goes to stdout; with --json stdout holds the envelope alone, and text goes to stderr."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    @cached_property
    def out(self) -> RichConsole:
        return _rich(stderr=self.as_json)

    @property
    def live(self) -> bool:
        """Whether somebody watches: a terminal, not a log file or a pipe."""
        return (sys.stderr if self.as_json else sys.stdout).isatty()

    def say(self, text: str = "", *, style: str | None = None) -> None:
        self._print(plain.lines(text), style, stderr=self.as_json)

    def findings(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            where = f"{finding.where}: " if finding.where else ""
            hint = f"  {finding.hint}" if finding.hint else ""
            text = plain.one_line(f"{finding.level.value}: {where}{finding.message}{hint}")
            self.say(text, style=_STYLE[finding.level])

    def error(self, error: KohyaWrapError) -> None:
        """Three lines on stderr: what happened, why probably, what to type next."""
        self._print(plain.one_line(f"error: {error.message}"), "bold red", stderr=True)
        self._print(plain.one_line(f"  why: {error.why}"), stderr=True)
        self._print(plain.one_line(f"  try: {error.hint}"), stderr=True)

    def _print(self, text: str, style: str | None = None, *, stderr: bool) -> None:
        """By rich only where there is something to colour, or a bar of its own above which the line must stand."""
        stream = sys.stderr if stderr else sys.stdout
        if "out" in self.__dict__ and stderr is self.as_json:
            self.out.print(text, style=style, soft_wrap=True)
        elif style and (stream.isatty() or os.environ.get("FORCE_COLOR")):
            _rich(stderr=stderr).print(text, style=style, soft_wrap=True)
        else:
            print(text, file=stream)

    def envelope(
        self,
        command: str,
        data: dict[str, Any] | None,
        *,
        findings: Iterable[Finding] = (),
        error: KohyaWrapError | None = None,
    ) -> None:
        """The versioned object every --json command ends with, on errors too.

        Args:
            data: an iterator in it is written as a list, item by item: ten thousand images are never one text.
        """
        failure = (
            None
            if error is None
            else {"code": int(error.code), "message": error.message, "why": error.why, "hint": error.hint}
        )
        envelope = {
            "schema": SCHEMA,
            "command": command,
            "ok": error is None,
            "data": data,
            "findings": [asdict(finding) for finding in findings],
            "error": failure,
        }
        sys.stdout.writelines(_as_json(envelope))
        print()

    def news(self, data: dict[str, Any]) -> None:
        """One of many objects, on a line of its own, at once: what a command that follows a run tells."""
        print(_dumped(data), flush=True)


def is_envelope(line: str) -> bool:
    """Whether it is what another kohya-wrap with --json has ended with."""
    return line.startswith(f'{{"schema": {SCHEMA}, "command": ')


def _as_json(value: Any) -> Iterator[str]:
    """The pieces of a JSON text, without secrets."""
    if isinstance(value, dict):
        for place, (key, inner) in enumerate(value.items()):
            yield f"{', ' if place else '{'}{json.dumps(key)}: "
            yield from _as_json(inner)
        yield "}" if value else "{}"
    elif isinstance(value, Iterator):
        yield "["
        for place, item in enumerate(value):
            yield (", " if place else "") + _dumped(item)
        yield "]"
    else:
        yield _dumped(value)


def _dumped(value: Any) -> str:
    return json.dumps(plain.data(value), ensure_ascii=False, allow_nan=False)


def _rich(*, stderr: bool) -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(stderr=stderr, highlight=False, markup=False, emoji=False)
