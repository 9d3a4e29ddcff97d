"""The engine for any CPU: the bundle's graphs in onnxruntime, no torch.

Shapes: B batch, 2 people, T frames, 262 features, S text tokens, C channels of the condition.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.bundle import CONDITION, DENOISER, Bundle
from ..onnx_session import open_session
from .base import Engine


class OnnxEngine(Engine):
    """Runs condition.onnx and denoiser.onnx, whose inputs come in the order of the network's arguments."""

    name = "onnx"

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        """Prepare the engine; graphs are loaded when first needed. `threads` 0 is one for each physical core."""
        super().__init__(bundle)
        self._threads = threads

    def condition(self, tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the condition (B, C) of text tokens (B, S, 384) and their mask (B, S) bool."""
        return self._condition(tokens, mask)

    def denoise(self, x: np.ndarray, t: int, cond: np.ndarray) -> np.ndarray:
        """Return x_0 for normalised x (B, 2, T, 262) float32 at diffusion step t; cond (B, C), 0 for none."""
        return self._denoiser(x, np.full(len(x), t), cond)

    @cached_property
    def _condition(self) -> "Graph":
        return Graph(self.bundle.folder / CONDITION, self._threads)

    @cached_property
    def _denoiser(self) -> "Graph":
        return Graph(self.bundle.folder / DENOISER, self._threads)


class Graph:
    """An ONNX graph of one output as a function of its inputs, in their order."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the graph. Raises BundleError when onnxruntime cannot."""
        self._session = open_session(path, threads)
        self._inputs = [(i.name, _TYPES[i.type]) for i in self._session.get_inputs()]

    def __call__(self, *arrays: np.ndarray) -> Any:
        """Return the output for arrays in the order of the graph's inputs, cast to their types."""
        feed = {
            name: np.ascontiguousarray(array, dtype)
            for (name, dtype), array in zip(self._inputs, arrays, strict=True)
        }
        return self._session.run(None, feed)[0]


_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
