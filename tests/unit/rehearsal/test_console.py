"""What is seen: rich itself is asked how a log line looks; the bar is read with the contract's expression."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
import time

import pytest
from rich.console import Console
from rich.logging import RichHandler

from kohya_wrap.rehearsal import console
from tests.unit.rehearsal.conftest import SQUARE, Bench

BAR = re.compile(
    r"steps:\s+\d+%\|[^|]*\|\s*(\d+)/(\d+) \[([\d:]+)<([\d:?]+),\s*([\d.]+|\?)(it/s|s/it)"
    r"(?:, (.*?avr_loss=([^,\]\s]+)))?\s*\]"
)


@pytest.mark.parametrize(
    "message",
    ["model saved.", "", "[Dataset 0]\n  batch_size: 2\n\n    [Subset 0 of Dataset 0]\n", "words " * 20],
)
def test_a_log_line_is_as_rich_lays_it_out(
    message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(console, "_last_time", "")
    out = io.StringIO()
    handler = RichHandler(console=Console(file=out, width=200))
    handler.setFormatter(logging.Formatter("%(message)s", "%Y-%m-%d %H:%M:%S"))
    number = sys._getframe().f_lineno + 1
    console.log(message, "WARNING")
    handler.emit(logging.LogRecord("engine", logging.WARNING, __file__, number, message, None, None))
    ours = capsys.readouterr().err
    time.strptime(ours[:19], "%Y-%m-%d %H:%M:%S")
    assert ours[19:] == out.getvalue()[19:]


def test_the_console_is_the_engines(bench: Bench) -> None:
    bench.images(*[SQUARE] * 3, folder="2_thing")
    run = bench.train(save_every_n_epochs=1)
    assert run.stdout == (
        "accelerator device: cpu\nimport network module: networks.lora\n"
        "prepare optimizer, data loader etc.\n"
        "override steps. steps for 2 epochs is / 指定エポックまでのステップ数: 6\n"
        "running training / 学習開始\n"
        "  num train images * repeats / 学習画像の数×繰り返し回数: 6\n"
        "  num validation images * repeats / 学習画像の数×繰り返し回数: 0\n"
        "  num reg images / 正則化画像の数: 0\n  num batches per epoch / 1epochのバッチ数: 3\n"
        "  num epochs / epoch数: 2\n  batch size per device / バッチサイズ: 2\n"
        "  gradient accumulation steps / 勾配を合計するステップ数 = 1\n"
        "  total optimization steps / 学習ステップ数: 6\n"
        f"\nepoch 1/2\n\n\nsaving checkpoint: {bench.out}/lo-000001.safetensors\n"
        f"\nepoch 2/2\n\n\nsaving checkpoint: {bench.out}/lo.safetensors\n"
    )
    bars = list(BAR.finditer(run.stderr))
    assert [(bar[1], bar[2]) for bar in bars] == [(done, "6") for done in "01234566"]
    assert bars[0][8] is None and all(float(bar[8]) > 0 for bar in bars[1:])
    assert f"found directory {bench.root}/data/2_thing contains 3 image files" in run.stderr
    assert "caption_extension: .txt" in run.stderr
    assert re.search(r"INFO     model saved\. +trainer\.py:\d+\n", run.stderr)


def test_the_first_step_comes_within_a_second(bench: Bench) -> None:
    """A third of one on a quiet machine, bytecode compiled; here with the steps and the saving after it."""
    bench.images(*[SQUARE] * 12)
    bench.config(max_train_epochs=1)
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(bench.argv(launcher=True), env=bench.environment(), check=True, capture_output=True)
        seconds.append(time.monotonic() - start)
    assert min(seconds) < 1


def test_nothing_slow_is_imported() -> None:
    code = "import sys; sys.argv = ['x']; import kohya_wrap.rehearsal.trainer; print(*sys.modules)"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "rich", "click", "tqdm", "huggingface_hub", "pydantic"} & set(seen.split())
