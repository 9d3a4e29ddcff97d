"""Fewer keys on smooth curves, with a bound on what that changes.

Between two kept frames a curve is a cubic (Hermite's), which is a Bezier curve whose handles lie at thirds. It has the
kept values at both ends, and the slopes that bring all frames between nearest to the motion. Frames are kept where the
cubic is farthest off, until it is nowhere off by more than the bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .rotations import normalise, quat_angle

# How much a curve's own slopes count beside what its frames say.
_OWN = 1e-3
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
    own = np.zeros_like(values)
    if frames > 1:
        own = np.gradient(values, axis=0, edge_order=2 if frames > 2 else 1)
    kept = np.unique([0, frames - 1])
    while True:
        keys = Keys(kept, values[kept], _best_slopes(values, kept, own[kept]))
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
    at, values, slopes = _hermite(keys.frames, frames)
    return (
        values[0] * keys.values[at]
        + slopes[0] * keys.slopes[at]
        + values[1] * keys.values[at + 1]
        + slopes[1] * keys.slopes[at + 1]
    )


def _hermite(kept: np.ndarray, frames: int) -> tuple[np.ndarray, tuple, tuple]:
    """For each frame the kept one before it (T,), and how much values and slopes (T, 1) of it and the next count."""
    time = np.arange(frames)
    at = np.clip(np.searchsorted(kept, time, side="right") - 1, 0, len(kept) - 2)
    span = (kept[at + 1] - kept[at])[:, None]
    u = (time - kept[at])[:, None] / span
    values = (2 * u**3 - 3 * u**2 + 1, 3 * u**2 - 2 * u**3)
    return at, values, (span * (u**3 - 2 * u**2 + u), span * (u**3 - u**2))


def _best_slopes(values: np.ndarray, kept: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Least-squares slopes (K, C) at kept frames; where frames do not tell, the curve's `own`."""
    if len(kept) == 1:
        return own
    at, weights, (first, second) = _hermite(kept, len(values))
    rest = values - weights[0] * values[kept][at] - weights[1] * values[kept][at + 1]
    normal, right = _OWN * np.eye(len(kept)), _OWN * own
    np.add.at(normal, (at, at), first[:, 0] ** 2)
    np.add.at(normal, (at + 1, at + 1), second[:, 0] ** 2)
    np.add.at(normal, (at, at + 1), (first * second)[:, 0])
    np.add.at(normal, (at + 1, at), (first * second)[:, 0])
    np.add.at(right, at, first * rest)
    np.add.at(right, at + 1, second * rest)
    return np.linalg.solve(normal, right)


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
    levers: np.ndarray,
    degrees: float,
    metres: float,
) -> tuple[list[Keys], list[Keys]]:
    """Keys of a whole body: of each bone's rotations (T, 4) and of those places (T, 3) that are keyed.

    No bone turns by more than `degrees` in its parent, and none of `positions` (T, M, 3), which gives points of the
    body for rotations and places, is off by more than `metres`. `levers` (N,): how far (m) the farthest point that each
    bone carries is from it, by which the bones share that bound.
    """
    frames = len(rotations[0])
    true = positions(list(rotations), list(places))
    carried = np.degrees(metres / np.maximum(levers, 1e-6))
    share = 1.0
    for _ in range(_TRIES):
        bounds = np.minimum(degrees, share * carried)
        turns = [reduce_rotation(one, bound) for one, bound in zip(rotations, bounds, strict=True)]
        moves = [reduce_place(one, share * metres) for one in places]
        drawn = positions(
            [normalise(cubic(keys, frames)) for keys in turns], [cubic(keys, frames) for keys in moves]
        )
        if np.linalg.norm(drawn - true, axis=-1).max() <= metres:
            return turns, moves
        share *= _TIGHTER
    return [reduce_rotation(one, 0.0) for one in rotations], [reduce_place(one, 0.0) for one in places]
