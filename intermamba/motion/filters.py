"""Smoothing over time."""

import numpy as np


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
