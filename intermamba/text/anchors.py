"""What a prompt asks for, said with captions that training used.

A small network follows the conditions of its captions, and those of other words less surely. The mean of the nearest
captions' conditions is one that it knows, and leaves between them what a prompt leaves open.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

NEAREST = 8
SHARPNESS = 8.0  # captions weigh as the exponential of this times their cosine


@dataclass(frozen=True, eq=False)
class Anchors:
    """Conditions (N, C) of captions that training used."""

    conditions: np.ndarray

    def pull(self, conditions: np.ndarray) -> np.ndarray:
        """Return for each of the conditions (B, C) the weighted mean (B, C) of the anchors nearest to it."""
        cosines = self._directions(conditions) @ self._own.T
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
        weights = np.exp(SHARPNESS * np.take_along_axis(cosines, nearest, 1))[..., None]
        means = (weights * self.conditions[nearest]).sum(1) / weights.sum(1)
        return means.astype(conditions.dtype)

    @cached_property
    def _own(self) -> np.ndarray:
        return self._directions(self.conditions)

    def _directions(self, conditions: np.ndarray) -> np.ndarray:
        """Unit vectors from the anchors' middle."""
        offsets = conditions - self.conditions.mean(0)
        return offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-9)
