"""Steering what the network says: towards the prompt, and away from the average of its data."""

from typing import Any

CONTRAST_STEPS = (400, 990)
"""Later steps would make small motion jitter; before step 990 the network knows nothing but the mean."""


def guided(pair: Any, scale: float) -> Any:
    """Return uncond + scale (cond - uncond), (B, ...), for a batch (2 B, ...) of B cond, then B uncond.

    Ho and Salimans 2022, eq. 6 with scale = 1 + w: scale 1 is the conditional prediction, 0 the other.
    """
    half = len(pair) // 2
    cond, uncond = pair[:half], pair[half:]
    return uncond + scale * (cond - uncond)


def contrasted(x_0: Any, t: int, amount: float) -> Any:
    """Return (1 + amount) x_0 while the large and slow things are decided, x_0 before and after.

    A small network errs towards the mean of its data, which is 0 in normalised features, and a sample that comes of
    it moves and spreads too little. This is guidance against that mean, on an interval of the diffusion steps
    (Kynkaanniemi et al. 2024, Applying Guidance in a Limited Interval).
    """
    first, last = CONTRAST_STEPS
    return x_0 * (1 + amount) if amount and first <= t <= last else x_0
