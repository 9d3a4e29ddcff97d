"""Smoothing over time."""

from functools import cache

import numpy as np

# Weight of the third difference in the path fit, where a position has 1.
JERK_WEIGHT = 0.3


def gaussian_smooth(values: np.ndarray, sigma: float, axis: int) -> np.ndarray:
    """Gaussian average along `axis`, `sigma` in frames; straight lines stay as they are, to the very ends."""
    radius = min(int(np.ceil(3.0 * sigma)), values.shape[axis] - 1)
    if radius < 1:
        return values.copy()
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    return convolve(values, kernel / kernel.sum(), axis)


def convolve(values: np.ndarray, kernel: np.ndarray, axis: int) -> np.ndarray:
    """Weighted average along `axis` with an odd `kernel` that sums to 1 and reaches no further than the axis.

    Beyond its ends the signal goes on as its own point reflection.
    """
    x = np.moveaxis(values, axis, 0)
    radius, count = len(kernel) // 2, len(x)
    head = 2 * x[0] - x[radius:0:-1]
    tail = 2 * x[-1] - x[-2 : -2 - radius : -1]
    padded = np.concatenate([head, x, tail])
    out = np.zeros_like(x)
    for shift, weight in enumerate(kernel):
        out += weight * padded[shift : shift + count]
    return np.moveaxis(out, 0, axis)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on, a smooth rise between; `high` may be the lesser, and it falls."""
    x = np.clip((values - low) / (high - low), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def fit_paths(positions: np.ndarray, velocities: np.ndarray, weights: np.ndarray | float) -> np.ndarray:
    """Paths x (..., T, N, 3) that minimise |x - p|^2 + weights |x[t+1] - x[t] - v[t]|^2 + jerk |third difference|^2.

    Velocities carry what is quick and positions what is slow, so steps stay sharp where a filter of the positions
    would round them. `weights` is a number or (..., T - 1), the leading axes those of `positions`.
    """
    frames = positions.shape[-3]
    weights = np.broadcast_to(weights, (*np.shape(weights)[:-1], frames - 1))[..., None]
    flat = (*positions.shape[:-2], -1)
    push = weights * velocities[..., :-1, :, :].reshape(*velocities.shape[:-3], frames - 1, -1)
    pull = positions.reshape(flat).copy()
    pull[..., :-1, :] -= push
    pull[..., 1:, :] += push
    normal = np.zeros((*weights.shape[:-2], frames, frames)) + _smooth_part(frames)
    at, weights = np.arange(frames - 1), weights[..., 0]
    for row, column, sign in ((at, at, 1), (at + 1, at + 1, 1), (at, at + 1, -1), (at + 1, at, -1)):
        normal[..., row, column] += sign * weights
    return np.linalg.solve(normal, pull).reshape(positions.shape)


@cache
def _smooth_part(frames: int) -> np.ndarray:
    """What positions and the third difference give to the normal matrix (T, T) of the path fit."""
    if frames < 4:
        return np.eye(frames)
    third = np.diff(np.eye(frames), n=3, axis=0)
    return np.eye(frames) + JERK_WEIGHT * third.T @ third


def minimum_jerk(values: np.ndarray) -> np.ndarray:
    """0 up to 0, 1 from 1 on, and between them the path of a hand that starts and ends at rest (Flash, Hogan 1985)."""
    x = np.clip(values, 0.0, 1.0)
    return x**3 * (10.0 - 15.0 * x + 6.0 * x * x)
