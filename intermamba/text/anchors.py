"""What a prompt asks for, said with captions that training used.

A small network follows the conditions of its captions, and those of other words less surely. The mean of the nearest
captions' conditions is one that it knows, and leaves between them what a prompt leaves open. And captions are of people
who touch in ways that are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

NEAREST = 8
SHARPNESS = 8.0  # captions weigh as the exponential of this times their cosine


@dataclass(frozen=True, eq=False)
class Anchors:
    """Conditions (N, C) of captions that training used, and which of the `touches` each is of, asks (N, M) bool.

    Touches are named as in motion.find_touches: "hand on shoulder".
    """

    conditions: np.ndarray
    touches: tuple[str, ...] = ()
    asks: np.ndarray | None = None

    def pull(self, conditions: np.ndarray) -> np.ndarray:
        """Return for each of the conditions (B, C) the weighted mean (B, C) of the anchors nearest to it."""
        means = [weights @ self.conditions[nearest] for nearest, weights in self._nearest(conditions)]
        return np.stack(means).astype(conditions.dtype)

    def asked(self, condition: np.ndarray) -> list[str]:
        """Return the touches that most of what is nearest to a condition (1, C) is of."""
        if self.asks is None:
            return []
        ((nearest, weights),) = self._nearest(condition)
        shares = weights @ self.asks[nearest]
        return [touch for touch, share in zip(self.touches, shares, strict=True) if share > 0.5]

    def _nearest(self, conditions: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The anchors nearest to each condition, and their weights, which sum to 1."""
        cosines = self._directions(conditions) @ self._own.T
        for row in cosines:
            nearest = np.argsort(-row, kind="stable")[:NEAREST]
            weights = np.exp(SHARPNESS * row[nearest])
            yield nearest, weights / weights.sum()

    @cached_property
    def _own(self) -> np.ndarray:
        return self._directions(self.conditions)

    def _directions(self, conditions: np.ndarray) -> np.ndarray:
        """Unit vectors from the anchors' middle."""
        offsets = conditions - self.conditions.mean(0)
        return offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-9)
