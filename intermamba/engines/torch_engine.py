"""The engine for GPUs: the bundle's safetensors weights in torch.

Shapes: B batch, 2 people, T frames, 262 features, S text tokens, C channels of the condition.
"""

from typing import Literal

import numpy as np
import torch

from ..bundles.bundle import WEIGHTS, Bundle
from ..model.config import ModelConfig
from ..model.weights import load_model
from .base import Engine


def is_available(device: Literal["cuda", "mps"]) -> bool:
    """Whether torch can use a GPU: cuda, which AMD's ROCm is called too, or Apple's mps."""
    return torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()


class TorchEngine(Engine):
    """Runs InterMamba itself, in float32."""

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        """Load the weights onto a torch device. Raises BundleError when they do not fit the config."""
        super().__init__(bundle)
        self.name = f"torch-{device}"
        self._device = torch.device(device)
        config = ModelConfig.from_json(bundle.config["model"])
        self._model = load_model(config, bundle.folder / WEIGHTS).to(self._device).eval()

    @torch.inference_mode()
    def condition(self, tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the condition (B, C) of text tokens (B, S, 384) and their mask (B, S) bool."""
        return self._model.condition(self._tensor(tokens), self._tensor(mask)).cpu().numpy()

    @torch.inference_mode()
    def denoise(self, x: np.ndarray, t: int, cond: np.ndarray) -> np.ndarray:
        """Return x_0 for normalised x (B, 2, T, 262) float32 at diffusion step t; cond (B, C), 0 for none."""
        steps = torch.full((len(x),), t, device=self._device)
        return self._model(self._tensor(x), steps, self._tensor(cond)).cpu().numpy()

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)
