"""Keeping two people from walking through each other."""

import numpy as np

from .features import POSITIONS, VELOCITIES
from .filters import gaussian_smooth

# Frames (a Gaussian's sigma) over which the push and its direction change: people give way, they do not jump.
SMOOTH = 5.0
# Nearer than this (m) the direction from one pelvis to the other is left to the frames around.
BLIND = 0.1


def keep_apart(features: np.ndarray, distance: float) -> np.ndarray:
    """Push people apart along the floor where their pelvises are nearer than `distance` (m), each by half.

    Features (..., 2, T, 262) are de-normalised; their positions and velocities are changed, as a copy. The push is
    smooth in time, so a moment of closeness may remain nearer than `distance` by some centimetres.
    """
    pelvis = features[..., [0, 2]].astype(float)
    between = pelvis[..., 1, :, :] - pelvis[..., 0, :, :]
    length = np.linalg.norm(between, axis=-1, keepdims=True)
    direction = gaussian_smooth(between / np.maximum(length, BLIND), SMOOTH, -2)
    direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-9)
    missing = np.maximum(0.0, distance - (between * direction).sum(-1, keepdims=True))
    push = 0.5 * gaussian_smooth(missing, SMOOTH, -2) * direction  # (..., T, 2)

    shift = np.zeros((*features.shape[:-1], 3))
    shift[..., [0, 2]] = np.stack([-push, push], axis=-3)
    step = np.diff(shift, axis=-2, append=shift[..., -1:, :])
    out = features.copy()
    out[..., POSITIONS] += np.tile(shift, 22)
    out[..., VELOCITIES] += np.tile(step, 22)
    return out
