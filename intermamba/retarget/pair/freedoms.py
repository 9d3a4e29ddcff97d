"""How a body may be corrected: 37 degrees of freedom, and how points of it move with them.

A correction is (..., T, 37): the root's shift (m), rotation vectors (radians) of ten ball joints in the frame of their
parents, and four hinge angles, which bend elbows and knees further.
"""

import numpy as np

from ...motion.kinematics import global_rotations
from ...motion.rotations import (
    cross,
    normalise,
    quat_apply,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_to_matrix,
)
from ...motion.skeleton import (
    ARMS,
    HINGE_AXES,
    JOINTS,
    L_ANKLE,
    L_COLLAR,
    L_ELBOW,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    LEGS,
    PARENTS,
    PELVIS,
    R_ANKLE,
    R_COLLAR,
    R_ELBOW,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    SPINE1,
    SPINE2,
    SPINE3,
)

BALLS = (PELVIS, SPINE1, SPINE2, SPINE3, L_COLLAR, R_COLLAR, L_SHOULDER, R_SHOULDER, L_HIP, R_HIP)
HINGES = (L_ELBOW, R_ELBOW, L_KNEE, R_KNEE)
FREEDOMS = 3 + 3 * len(BALLS) + len(HINGES)
_JOINT_OF = np.array([*[-1] * 3, *np.repeat(BALLS, 3), *HINGES])

# How far each usually goes: metres along and off the floor, radians. The smaller, the stiffer.
_REACHES = {PELVIS: 0.25, **dict.fromkeys((SPINE1, SPINE2, SPINE3, L_COLLAR, R_COLLAR), 0.2)}
EASE = np.array([0.12, 0.06, 0.12, *[_REACHES.get(joint, 1.0) for joint in _JOINT_OF[3:]]])
# The bend (radians) of elbow and knee stays between these; a bend below `_STRAIGHT` shows no axis of its own.
_BENDS = (0.06, 2.5)
_STRAIGHT = 0.15


def _below_or_at() -> np.ndarray:
    """Which freedoms (22, 37) move a point that turns with a joint."""
    out = np.zeros((JOINTS, FREEDOMS), dtype=bool)
    out[:, :3] = True
    for joint in range(JOINTS):
        line, k = set(), joint
        while k >= 0:
            line.add(k)
            k = int(PARENTS[k])
        out[joint, 3:] = [moves in line for moves in _JOINT_OF[3:]]
    return out


MOVES = _below_or_at()


class Hinges:
    """Axes (2,T,4,3) of elbows and knees in the frames of their parents, and the bend (2,T,4) that each has."""

    def __init__(self, joints: np.ndarray, rotations: np.ndarray) -> None:
        spins, axes, bends = global_rotations(rotations), [], []
        for limb, middle in zip((*ARMS, *LEGS), HINGES, strict=True):
            upper = normalise(joints[..., middle, :] - joints[..., limb[1], :])
            lower = normalise(joints[..., limb[3], :] - joints[..., middle, :])
            normal = cross(upper, lower)
            natural = quat_apply(spins[..., limb[1], :], HINGE_AXES[middle])
            sine = np.linalg.norm(normal, axis=-1, keepdims=True)
            blend = normal + np.maximum(_STRAIGHT - sine, 0.0) * natural
            axes.append(normalise(quat_apply(quat_inverse(spins[..., limb[1], :]), blend)))
            bends.append(np.arctan2(sine[..., 0], np.einsum("...i,...i->...", upper, lower)))
        self.axes, self.bends = np.stack(axes, axis=-2), np.stack(bends, axis=-1)

    def limited(self, x: np.ndarray) -> np.ndarray:
        """Corrections (2,T,37) whose elbows and knees do not bend the wrong way or too far."""
        low = np.minimum(_BENDS[0] - self.bends, 0.0)
        high = np.maximum(_BENDS[1] - self.bends, 0.0)
        bends = np.clip(x[..., -len(HINGES) :], low, high)
        return np.concatenate([x[..., : -len(HINGES)], bends], axis=-1)


def apply(x: np.ndarray, rotations: np.ndarray, hinges: Hinges) -> np.ndarray:
    """Local rotations (2,T,22,4) with corrections (2,T,37); the feet keep their directions in the world."""
    out = rotations.copy()
    vectors = x[..., 3 : -len(HINGES)].reshape(*x.shape[:-1], len(BALLS), 3)
    turns = quat_from_axis_angle(vectors, np.linalg.norm(vectors, axis=-1))
    out[..., BALLS, :] = quat_multiply(turns, rotations[..., BALLS, :])
    bends = quat_from_axis_angle(hinges.axes, x[..., -len(HINGES) :])
    out[..., HINGES, :] = quat_multiply(bends, rotations[..., HINGES, :])
    before, after = global_rotations(rotations), global_rotations(out)
    for ankle in (L_ANKLE, R_ANKLE):
        out[..., ankle, :] = quat_multiply(quat_inverse(after[..., PARENTS[ankle], :]), before[..., ankle, :])
    return out


def advance(x: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Corrections (2,T,37) after a step (2,T,37) that turns on top of them."""
    out = x + step
    balls = slice(3, -len(HINGES))
    shape = (*x.shape[:-1], len(BALLS), 3)
    first, second = x[..., balls].reshape(shape), step[..., balls].reshape(shape)
    q = quat_multiply(
        quat_from_axis_angle(second, np.linalg.norm(second, axis=-1)),
        quat_from_axis_angle(first, np.linalg.norm(first, axis=-1)),
    )
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    out[..., balls] = (q[..., 1:] * angle / np.maximum(sine, 1e-12)).reshape(*x.shape[:-1], -1)
    return out


class Levers:
    """World axes and centres (2,T,37,3) about which the freedoms of two posed bodies turn."""

    def __init__(self, joints: np.ndarray, rotations: np.ndarray, hinges: Hinges) -> None:
        frames = np.zeros((*joints.shape[:2], JOINTS, 3, 3)) + np.eye(3)
        frames[..., 1:, :, :] = quat_to_matrix(global_rotations(rotations))[..., PARENTS[1:], :, :]
        axes = np.swapaxes(frames[..., BALLS, :, :], -1, -2).reshape(*joints.shape[:2], -1, 3)
        bends = np.einsum("...kij,...kj->...ki", frames[..., HINGES, :, :], hinges.axes)
        self.axes = np.concatenate([axes, bends], axis=-2)
        self.centres = joints[..., _JOINT_OF[3:], :]

    def of(self, person: int, points: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """How points (T,3) of one person move (T,3,37) with its freedoms; `moves` (37,) or (T,37) says with which."""
        out = np.zeros((len(points), FREEDOMS, 3))
        out[:, :3] = np.eye(3)
        out[:, 3:] = cross(self.axes[person], points[:, None] - self.centres[person])
        return np.swapaxes(out * moves[..., None], -1, -2)
