"""A model by onnxruntime, or in three lines why not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from kohya_wrap.errors import EngineError
from kohya_wrap.host.onnx_model import OnnxModel
from tests.fixtures import tiny_tagger


def test_shapes_values_and_where_it_runs(tmp_path: Path) -> None:
    folder = tiny_tagger.make(tmp_path, tags=(("0", "blue", "blue"), ("0", "half", 0.5)))
    model = OnnxModel(folder / "model.onnx")
    assert (model.input_shape, model.output_shape) == ((None, 8, 8, 3), (None, 2))
    assert model.runs_on == "CPU"
    pixels = np.zeros((2, 8, 8, 3), np.float32)
    pixels[1, ..., 0] = 255
    assert model.run(pixels).tolist() == [[0, 0.5], [1, 0.5]]


def test_without_onnxruntime_the_install_line_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError) as missing:
        OnnxModel(tmp_path / "model.onnx")
    assert missing.value.hint.endswith(f" pip install --python {sys.executable} onnxruntime")
