"""A neural network in an ONNX file, run by onnxruntime on the GPU where its build has one, else on the CPU."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.errors import EngineError
from kohya_wrap.host import environment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Of those that this build of onnxruntime has, the first that loads.
_BEST_FIRST = (
    "CUDAExecutionProvider",
    "ROCMExecutionProvider",
    "DmlExecutionProvider",
    "CPUExecutionProvider",
)
_ERRORS_ALONE = 3  # its log level: a fallback to the CPU is said by `runs_on`


class OnnxModel:
    """One input, one output.

    Attributes:
        input_shape, output_shape: a number for each fixed dimension, None for each that is free.
        runs_on: "CPU", "CUDA" …
    """

    def __init__(self, path: Path) -> None:
        """Raises EngineError: no onnxruntime here, or no such model."""
        library = runtime()
        settings = library.SessionOptions()
        settings.log_severity_level = _ERRORS_ALONE
        there = library.get_available_providers()
        try:
            self._session = library.InferenceSession(
                str(path), settings, providers=[name for name in _BEST_FIRST if name in there]
            )
        except Exception as error:  # a dozen classes of its own, without a common base
            raise EngineError(
                f"{path} cannot be loaded as an ONNX model: {(str(error) or type(error).__name__).splitlines()[0]}",
                why="The file is damaged, cut off, of another format, or too large for the memory that is free.",
                hint="Fetch it again, or name another one: --model",
            ) from None
        self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self.input_shape = _shape(self._input)
        self.output_shape = _shape(self._output)
        self.runs_on: str = self._session.get_providers()[0].removesuffix("ExecutionProvider")

    def run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run([self._output.name], {self._input.name: values})[0]
        return found


def _shape(described: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and size > 0 else None for size in described.shape)


def runtime() -> Any:
    """The library. Raises EngineError: it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        uv, python = (shlex.quote(str(path)) for path in (environment.uv_program(), sys.executable))
        raise EngineError(
            "onnxruntime is not installed: it runs the tagger.",
            why='It comes with the extra "caption" of kohya-wrap, which is not needed for anything else.',
            hint=f"{uv} pip install --python {python} onnxruntime",
        ) from None
    return onnxruntime
