"""Fewer keys on smooth curves, with a bound on what that changes.

Between two kept frames a curve is the cubic with the kept values and the motion's own slopes at both ends (Hermite),
which is a Bezier curve whose handles lie at thirds. Frames are kept where the cubic is farthest off, until it is
nowhere off by more than the bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .rotations import normalise, quat_angle

# How much the bounds of single bones are tightened while the whole chain is off, and how often.
_TIGHTER, _TRIES = 0.6, 12


@dataclass(frozen=True)
class Keys:
    """Kept frames (K,) of a curve, its values (K, C) and slopes (K, C) per frame there."""

    frames: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def reduce_keys(values: np.ndarray, error: Callable[[np.ndarray], np.ndarray], bound: float) -> Keys:
    """The fewest keys that splitting finds for a curve (T, C), so that `error` (T,) of its cubics is within `bound`."""
    frames = len(values)
    slopes = np.zeros_like(values)
    if frames > 1:
        slopes = np.gradient(values, axis=0, edge_order=2 if frames > 2 else 1)
    kept = np.unique([0, frames - 1])
    while True:
        keys = Keys(kept, values[kept], slopes[kept])
        off = error(cubic(keys, frames))
        off[kept] = 0.0
        ends = pairwise(kept.tolist())
        worst = [a + int(off[a : b + 1].argmax()) for a, b in ends if off[a : b + 1].max() > bound]
        if not worst:
            return keys
        kept = np.union1d(kept, worst)


def cubic(keys: Keys, frames: int) -> np.ndarray:
    """The curve (T, C) of kept keys; the first and the last of T frames are kept."""
    if len(keys.frames) == 1:
        return np.repeat(keys.values, frames, axis=0)
    time = np.arange(frames)
    at = np.clip(np.searchsorted(keys.frames, time, side="right") - 1, 0, len(keys.frames) - 2)
    span = (keys.frames[at + 1] - keys.frames[at])[:, None]
    u = (time - keys.frames[at])[:, None] / span
    return (
        (2 * u**3 - 3 * u**2 + 1) * keys.values[at]
        + (u**3 - 2 * u**2 + u) * span * keys.slopes[at]
        + (3 * u**2 - 2 * u**3) * keys.values[at + 1]
        + (u**3 - u**2) * span * keys.slopes[at + 1]
    )


def reduce_rotation(rotations: np.ndarray, degrees: float) -> Keys:
    """Keys of quaternions (T, 4), continuous in time, that turn by no more than `degrees` from them."""

    def error(curve: np.ndarray) -> np.ndarray:
        return np.degrees(quat_angle(normalise(curve), rotations))

    return reduce_keys(rotations, error, degrees)


def reduce_place(places: np.ndarray, metres: float) -> Keys:
    """Keys of positions (T, 3) that are no more than `metres` from them."""
    return reduce_keys(places, lambda curve: np.linalg.norm(curve - places, axis=-1), metres)


def reduce_pose(
    rotations: Sequence[np.ndarray],
    places: Sequence[np.ndarray],
    positions: Callable[[list[np.ndarray], list[np.ndarray]], np.ndarray],
    degrees: float,
    metres: float,
) -> tuple[list[Keys], list[Keys]]:
    """Keys of a whole body: of each bone's rotations (T, 4) and of those places (T, 3) that are keyed.

    No bone turns by more than `degrees` in its parent, and none of `positions` (T, M, 3), which gives points of the
    body for rotations and places, is off by more than `metres`.
    """
    frames = len(rotations[0])
    true = positions(list(rotations), list(places))
    share = 1.0
    for _ in range(_TRIES):
        turns = [reduce_rotation(one, share * degrees) for one in rotations]
        moves = [reduce_place(one, share * metres) for one in places]
        drawn = positions(
            [normalise(cubic(keys, frames)) for keys in turns], [cubic(keys, frames) for keys in moves]
        )
        if np.linalg.norm(drawn - true, axis=-1).max() <= metres:
            return turns, moves
        share *= _TIGHTER
    return [reduce_rotation(one, 0.0) for one in rotations], [reduce_place(one, 0.0) for one in places]
