"""Classifier-free guidance."""

from typing import Any


def guided(pair: Any, scale: float) -> Any:
    """Return uncond + scale (cond - uncond), (B, ...), for a batch (2 B, ...) of B cond, then B uncond.

    Ho and Salimans 2022, eq. 6 with scale = 1 + w: scale 1 is the conditional prediction, 0 the other.
    """
    half = len(pair) // 2
    cond, uncond = pair[:half], pair[half:]
    return uncond + scale * (cond - uncond)
