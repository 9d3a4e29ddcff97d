"""From noise to a sample, with a network that predicts x_0. Arrays are numpy's or torch's; any shape."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .schedule import Schedule

Array = Any
"""A numpy array or a torch tensor: whatever x_T is, everything else is."""

Denoiser = Callable[[Array, int], Array]
"""denoise(x_t, t) -> x_0."""


@dataclass(frozen=True)
class Step:
    """What a sampler tells after each call of the network."""

    index: int
    """0 to total - 1."""
    total: int
    t: int
    """The diffusion step."""
    x_0: Array
    """The sample as the network sees it now."""


OnStep = Callable[[Step], None]
"""Called at each step; it may raise, Cancelled for instance, which ends the sampling."""

Sampler = Callable[..., Array]
"""sampler(denoise, x_T, schedule, on_step=None, *, steps) -> x_0."""


def ddim(
    denoise: Denoiser, x_T: Array, schedule: Schedule, on_step: OnStep | None = None, *, steps: int = 50
) -> Array:
    """Return x_0 by the deterministic DDIM of Song et al. 2021 (eq. 12, eta = 0)."""
    x, x_0 = x_T, x_T
    times = schedule.timesteps(steps)
    for index, t in enumerate(times):
        x_0 = denoise(x, t)
        _tell(on_step, index, times, x_0)
        if index + 1 < steps:
            (signal, noise), (next_signal, next_noise) = _levels(schedule, t, times[index + 1])
            eps = (x - signal * x_0) / noise
            x = next_signal * x_0 + next_noise * eps
    return x_0


def dpmpp_2m(
    denoise: Denoiser, x_T: Array, schedule: Schedule, on_step: OnStep | None = None, *, steps: int = 20
) -> Array:
    """Return x_0 by DPM-Solver++(2M) of Lu et al. 2022 (Algorithm 2): second order, for few steps.

    The first step has nothing to look back at and is of first order; the last returns the network's x_0.
    """
    x, x_0 = x_T, x_T
    previous, previous_h = x_T, math.inf
    times = schedule.timesteps(steps, dense_ends=True)
    for index, t in enumerate(times):
        x_0 = denoise(x, t)
        _tell(on_step, index, times, x_0)
        if index + 1 < steps:
            (signal, noise), (next_signal, next_noise) = _levels(schedule, t, times[index + 1])
            h = math.log(next_signal / next_noise) - math.log(signal / noise)
            ahead = x_0 + h / (2 * previous_h) * (x_0 - previous)
            x = next_noise / noise * x - next_signal * math.expm1(-h) * ahead
            previous, previous_h = x_0, h
    return x_0


SAMPLERS: dict[str, Sampler] = {"ddim": ddim, "dpm++": dpmpp_2m}


def _levels(schedule: Schedule, *times: int) -> list[tuple[float, float]]:
    """(signal, noise) at each time, as Python floats so that float32 arrays stay float32."""
    return [(float(schedule.signal[t]), float(schedule.noise[t])) for t in times]


def _tell(on_step: OnStep | None, index: int, times: list[int], x_0: Array) -> None:
    if on_step is not None:
        on_step(Step(index, len(times), times[index], x_0))
