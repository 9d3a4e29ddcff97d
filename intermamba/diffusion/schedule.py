"""How much signal and how much noise there is at each diffusion step."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """A variance-preserving diffusion: x_t = signal[t] x_0 + noise[t] eps, with signal^2 + noise^2 = 1."""

    alpha_bar: np.ndarray
    """(steps,) float64: the part of the variance that is signal at step t, from almost 1 down to almost 0."""

    @cached_property
    def signal(self) -> np.ndarray:
        """sqrt(alpha_bar), (steps,)."""
        return np.sqrt(self.alpha_bar)

    @cached_property
    def noise(self) -> np.ndarray:
        """sqrt(1 - alpha_bar), (steps,)."""
        return np.sqrt(1 - self.alpha_bar)

    def timesteps(self, count: int, *, dense_ends: bool = False) -> list[int]:
        """Return `count` falling diffusion steps, the first of them the last of the schedule.

        They are even by default: the "trailing" spacing of Lin et al. 2024 (Common Diffusion Noise Schedules
        and Sample Steps are Flawed), 999, 979, ..., 19 for 50 of 1000. Sampling starts from pure noise, which is
        what step 999 is made of, while InterGen's 980 has 3 % of a signal in it.

        Dense ends are Chebyshev's, T cos^2(pi i / 2 count): near the noise, where the large and slow things are
        decided that many frames and joints share (how far apart two people are, where they go), and near the
        end, where the small and quick ones are.
        """
        total = len(self.alpha_bar)
        if not 1 <= count <= total:
            raise ValueError(
                f"A schedule of {total} steps can be sampled in 1 to {total} steps, not {count}."
            )
        times = [total]
        for index in range(count):
            left = np.cos(np.pi / 2 * index / count) ** 2 if dense_ends else 1 - index / count
            times.append(max(count - 1 - index, min(times[-1] - 1, round(total * left) - 1)))
        return times[1:]


def cosine_schedule(steps: int = 1000) -> Schedule:
    """Return the cosine schedule of Nichol and Dhariwal 2021 (eq. 17, s = 0.008, beta at most 0.999)."""
    angle = (np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2
    variance = np.cos(angle) ** 2
    beta = np.minimum(1 - variance[1:] / variance[:-1], 0.999)
    return Schedule(np.cumprod(1 - beta))
