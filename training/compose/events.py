"""The frame of a phrase that matters: where a punch lands, a jump is highest, a bow is lowest.

A rule's name is a point and an extreme: "right_hand_farthest", "head_lowest", "pelvis_highest", "foot_fastest".
`hand` and `foot` are the one of the two that goes to the extreme; `hands` and `feet` are the point between them.
"""

import numpy as np

from intermamba.errors import IntermambaError
from intermamba.motion.filters import gaussian_smooth
from intermamba.motion.skeleton import HEAD, L_FOOT, L_WRIST, PELVIS, R_FOOT, R_WRIST

# Points: the joints they are, and whether these count one by one or by their middle.
POINTS: dict[str, tuple[tuple[int, ...], bool]] = {
    "pelvis": ((PELVIS,), False),
    "head": ((HEAD,), False),
    "left_hand": ((L_WRIST,), False),
    "right_hand": ((R_WRIST,), False),
    "hand": ((L_WRIST, R_WRIST), False),
    "hands": ((L_WRIST, R_WRIST), True),
    "left_foot": ((L_FOOT,), False),
    "right_foot": ((R_FOOT,), False),
    "foot": ((L_FOOT, R_FOOT), False),
    "feet": ((L_FOOT, R_FOOT), True),
}


def _height(points: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    return points[..., 1]


def _reach(points: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    return np.linalg.norm((points - pelvis)[..., (0, 2)], axis=-1)


def _speed(points: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    if len(points) < 2:
        return np.zeros(points.shape[:-1])
    return np.linalg.norm(gaussian_smooth(np.gradient(points, axis=0), 1.0, axis=0), axis=-1)


# Extremes: what is looked at, and whether the most or the least of it is meant.
EXTREMES = {
    "highest": (_height, 1.0),
    "lowest": (_height, -1.0),
    "farthest": (_reach, 1.0),
    "fastest": (_speed, 1.0),
}


def points(joints: np.ndarray, name: str) -> np.ndarray:
    """Positions (T, N, 3) of a point of joints (T, 22, 3); N is 2 for "hand" and "foot"."""
    if name not in POINTS:
        raise IntermambaError(f"There is no point {name!r}; the points are {', '.join(POINTS)}.")
    which, middle = POINTS[name]
    places = joints[:, which, :]
    return places.mean(axis=1, keepdims=True) if middle else places


def find_event(joints: np.ndarray, rule: str) -> int:
    """Frame of joints (T, 22, 3) that `rule` names; horizontal reach is measured from the pelvis."""
    point, _, extreme = rule.rpartition("_")
    if point not in POINTS or extreme not in EXTREMES:
        raise IntermambaError(
            f"There is no event {rule!r}; write seconds, or one of {', '.join(POINTS)} "
            f"with one of {', '.join(EXTREMES)}, as in right_hand_farthest."
        )
    measure, sign = EXTREMES[extreme]
    values = sign * measure(points(joints, point), joints[:, (PELVIS,), :])
    return int(np.argmax(values.max(axis=1)))
