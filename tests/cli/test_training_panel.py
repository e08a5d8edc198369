"""The panel as text, at the widths that terminals have."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from kohya_wrap.cli.training_panel import TrainingPanel
from kohya_wrap.cli.training_so_far import Shown
from kohya_wrap.domain.loss import Range, Trend
from kohya_wrap.host.gpu_meter import GpuUse

LOSSES = tuple(0.06 + 0.035 * math.exp(-step / 60) for step in range(200))
SHOWN = Shown(
    name="my_lora", rehearsal=False, steps=400, epochs=10, doing="", step=200, epoch=5, seconds_per_step=7.25,
    elapsed=1450, eta=1450, losses=LOSSES, expected=Range(5, 0.05, 0.07), trend=Trend.FALLS,
    gpu=GpuUse(12 << 30, 24 << 30, 97), dollars=(0.28, 0.56), checkpoint="my_lora-000004.safetensors",
)  # fmt: skip


def drawn(shown: Shown, width: int, encoding: str = "utf-8") -> str:
    """Drawn by a recording console on a file that takes this encoding."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(width=width, record=True, file=file, color_system=None)
    console.print(TrainingPanel(shown))
    return console.export_text(styles=False)


def test_at_80_columns() -> None:
    assert drawn(SHOWN, 80) == (
        "╭─ my_lora ────────────────────────────────────────────────────────────────────╮\n"
        "│ epoch 5/10, step 200/400                              7.25 s/step, ETA 24:10 │\n"
        "│ ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────────────────── │\n"
        "│ loss    0.0613  ██▇▇▇▆▆▆▅▅▅▅▄▄▄▄▄▄▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ │\n"
        "│ guide   0.05-0.07 near epoch 5: within; falls                                │\n"
        "│ GPU     12.0 of 24.0 GiB, 97 % busy                                          │\n"
        "│ so far  24:10, $0.28 of about $0.56                                          │\n"
        "│ saved   my_lora-000004.safetensors                                           │\n"
        "╰──────────────────────────────────────────────────────────────────────────────╯\n"
    )


def test_the_page_shows_it_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "watching.md"
    assert drawn(SHOWN, 80) in page.read_text(encoding="utf-8")


def test_at_40_columns_without_a_frame() -> None:
    assert [line.rstrip() for line in drawn(SHOWN, 40).splitlines()] == [
        "my_lora",
        "epoch 5/10, step 200/400",
        "7.25 s/step, ETA 24:10",
        "━━━━━━━━━━━━━━━━━━━━────────────────────",
        "loss    0.0613  █▇▆▆▅▄▄▃▃▃▃▂▂▂▂▂▁▁▁▁▁▁▁▁",
        "guide   0.05-0.07 near epoch 5: within;",
        "        falls",
        "GPU     12.0 of 24.0 GiB, 97 % busy",
        "so far  24:10, $0.28 of about $0.56",
        "saved   my_lora-000004.safetensors",
    ]


@pytest.mark.parametrize("width", [1, 10, 40, 59, 60, 80, 120, 300])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    odd = replace(SHOWN, name="長い名前" * 30, checkpoint="x" * 300, rehearsal=True)
    for shown in (SHOWN, odd):
        assert max(cell_len(line) for line in drawn(shown, width).splitlines()) <= width


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seconds_per_step": 0.25}, "4.00 it/s"),
        ({"seconds_per_step": 1.5}, "1.50 s/step"),
        ({"seconds_per_step": None, "eta": None}, "ETA ?"),
        ({"doing": "loading the base model", "losses": (), "eta": None}, "loading the base model"),
        ({"losses": (0.12,)}, "0.05-0.07 near epoch 5: above"),
        ({"losses": (0.02,)}, "0.05-0.07 near epoch 5: below"),
        ({"losses": (0.06, math.nan), "trend": Trend.UNKNOWN}, "near epoch 5 "),
        ({"expected": None, "rescaled_by": "min-SNR"}, "no range here: min-SNR shifts the scale; falls"),
        ({"rehearsal": True}, "no range: a rehearsal's loss has a scale of its own "),
        ({"gpu": GpuUse(1 << 30, 24 << 30, None)}, "1.0 of 24.0 GiB "),
        ({"dollars": None}, "so far  24:10  "),
        ({"dollars": (0.28, None)}, "24:10, $0.28  "),
        ({"name": "a\x1b[2Jb"}, "a\\x1b[2Jb"),
    ],
)
def test_says(changes: dict[str, object], says: str) -> None:
    assert says in drawn(replace(SHOWN, **changes), 80)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "label"),
    [({"gpu": None}, "GPU"), ({"checkpoint": ""}, "saved"), ({"losses": ()}, "loss"), ({"losses": ()}, "guide")],
)  # fmt: skip
def test_what_is_not_known_has_no_line(changes: dict[str, object], label: str) -> None:
    assert f"│ {label} " in drawn(SHOWN, 80)
    assert f"│ {label} " not in drawn(replace(SHOWN, **changes), 80)  # type: ignore[arg-type]


def test_a_terminal_of_ascii_gets_ascii() -> None:
    assert drawn(replace(SHOWN), 80, "ascii").isascii()


def test_the_validation_loss_where_images_are_set_aside() -> None:
    text = drawn(replace(SHOWN, validated={1: 0.14, 2: 0.098, 3: 0.101}), 80)
    assert "│ check   0.101 after epoch 3; least 0.098 after epoch 2 " in text
