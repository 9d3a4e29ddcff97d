"""Two-bone inverse kinematics, on positions: a leg or an arm reaches for a point."""

import numpy as np

from .rotations import normalise


def two_bone_ik(
    start: np.ndarray,
    target: np.ndarray,
    pole: np.ndarray,
    lengths: tuple[np.ndarray | float, np.ndarray | float],
    soft: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and end joint (..., 3) of a limb from `start` (..., 3) that reaches for `target` (..., 3).

    The middle joint bends towards the direction `pole` (..., 3). `lengths` (m) are those of upper and lower bone,
    each a number or (...). The end lies at the target, or on the line to it as near as the bones allow. The last
    `soft` share of the limb's length is given out ever more slowly, so that no joint snaps straight.
    """
    upper, lower = (np.asarray(length, dtype=float)[..., None] for length in lengths)
    reach = target - start
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    direction = normalise(np.where(distance < 1e-9, pole, reach))
    longest = (upper + lower) * (1.0 - 1e-6)
    if soft > 0.0:
        distance = _soft_limit(distance, longest, soft * longest)
    distance = np.clip(distance, np.abs(upper - lower) + 1e-6, longest)
    along = (distance**2 + upper**2 - lower**2) / (2.0 * distance)
    side = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    bend = normalise(pole - direction * np.einsum("...i,...i->...", pole, direction)[..., None])
    return start + along * direction + side * bend, start + distance * direction


def _soft_limit(value: np.ndarray, limit: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """`value` below limit - margin; beyond, an exponential that nears `limit` with the same slope at the joint."""
    over = np.maximum(value - (limit - margin), 0.0)
    return np.where(over > 0, limit - margin * np.exp(-over / margin), value)
