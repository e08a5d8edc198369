"""The live panel: one frozen value, drawn for the width that there is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kohya_wrap.cli import plain
from kohya_wrap.cli.sparkline import sparkline
from kohya_wrap.cli.training_so_far import Shown
from kohya_wrap.domain import loss
from kohya_wrap.domain.loss import Trend
from kohya_wrap.domain.wording import clock

_WIDE = 60  # columns from which there is room for a frame
_WIDEST = 100  # more is hard to read
_LABEL = 8
_GIB = 1 << 30


@dataclass(frozen=True)
class TrainingPanel:
    """Only the terminal's own foreground, dim, bold and green: read on light and on dark."""

    shown: Shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, _WIDEST)
        title = Text(plain.one_line(self.shown.name), style="not dim bold", no_wrap=True, overflow="ellipsis")
        if self.shown.rehearsal:
            title.append("  rehearsal: no training", style="not bold dim")
        if width < _WIDE:
            yield Group(title, *self._rows(width, options))
        else:
            rows = Group(*self._rows(width - 4, options))
            yield Panel(rows, title=title, title_align="left", border_style="dim", width=width)

    def _rows(self, width: int, options: ConsoleOptions) -> list[RenderableType]:
        shown = self.shown
        facts = Table.grid()
        facts.add_column(width=_LABEL, style="dim")
        facts.add_column(overflow="fold")
        if shown.losses:
            facts.add_row("loss", self._loss(width - _LABEL, options.ascii_only))
            facts.add_row("guide", _reading(shown))
        if shown.validated:
            facts.add_row("check", loss.validation(shown.validated))
        if shown.gpu is not None:
            busy = "" if shown.gpu.busy is None else f", {shown.gpu.busy} % busy"
            held = f"{shown.gpu.used / _GIB:.1f} of {shown.gpu.memory / _GIB:.1f} GiB"
            facts.add_row("GPU", f"{held}{busy}")
        facts.add_row("so far", _spent(shown))
        if shown.checkpoint:
            saved = Text(plain.one_line(shown.checkpoint), no_wrap=True, overflow="ellipsis")
            facts.add_row("saved", saved)
        return [self._head(width), self._bar(width, options.ascii_only), facts]

    def _head(self, width: int) -> RenderableType:
        """Where it is, and how long it takes: beside each other where there is room."""
        shown = self.shown
        place = Text(f"epoch {shown.epoch}/{shown.epochs}, step {shown.step}/{shown.steps}", style="bold")
        pace = Text(shown.doing or _pace(shown), no_wrap=True, overflow="ellipsis")
        if place.cell_len + pace.cell_len + 2 > width:
            return Group(place, pace)
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        head.add_row(place, pace)
        return head

    def _bar(self, width: int, ascii_only: bool) -> Text:
        """Heavy and light, so that it is read without colours too."""
        done, rest = "#-" if ascii_only else "━─"
        filled = round(width * min(1.0, self.shown.step / max(1, self.shown.steps)))
        return Text(no_wrap=True).append(done * filled, "green").append(rest * (width - filled), "dim")

    def _loss(self, width: int, ascii_only: bool) -> Text:
        last = self.shown.losses[-1]
        text = Text(f"{last:<8.3g}" if math.isfinite(last) else f"{last!s:<8}", no_wrap=True)
        return text.append(
            sparkline(self.shown.losses, width - len(text), ascii_only=ascii_only), style="green"
        )


def _pace(shown: Shown) -> str:
    seconds = shown.seconds_per_step
    if not seconds:
        return "ETA ?"
    pace = f"{1 / seconds:.2f} it/s" if seconds < 1 else f"{seconds:.2f} s/step"
    return f"{pace}, ETA {'?' if shown.eta is None else clock(shown.eta)}"


def _reading(shown: Shown) -> str:
    """The guide's range and its reading; where the loss has another scale, why it has no range here."""
    if shown.rehearsal:
        return "no range: a rehearsal's loss has a scale of its own"
    last, expected = shown.losses[-1], shown.expected
    if expected is None:
        said = f"no range here: {shown.rescaled_by} shifts the scale"
    else:
        said = f"{expected.low:.2f}-{expected.high:.2f} near epoch {expected.epoch}"
        if math.isfinite(last):
            said += ": below" if last < expected.low else ": above" if last > expected.high else ": within"
    return f"{said}; {shown.trend.value}" if shown.trend is not Trend.UNKNOWN else said


def _spent(shown: Shown) -> str:
    text = clock(shown.elapsed)
    if shown.dollars is None:
        return text
    spent, in_all = shown.dollars
    return f"{text}, ${spent:.2f}" + ("" if in_all is None else f" of about ${in_all:.2f}")
