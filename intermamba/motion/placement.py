"""Where a pair stands: facing, one common floor, and the left/right mirror."""

import numpy as np

from .rotations import quat_apply, quat_multiply, yaw_quat
from .skeleton import L_FOOT, L_HIP, L_SHOULDER, MIRROR, PELVIS, R_FOOT, R_HIP, R_SHOULDER

# Height of the ball-of-foot joint of a standing foot, and the share of toe heights that lies below it.
TOE_HEIGHT = 0.025
FLOOR_PERCENTILE = 5.0


def facing(joints: np.ndarray) -> np.ndarray:
    """Yaw (...) in radians of joints (..., 22, 3), from hips and shoulders: 0 faces +Z, a quarter turn +X."""
    hips = joints[..., L_HIP, :] - joints[..., R_HIP, :]
    across = hips + joints[..., L_SHOULDER, :] - joints[..., R_SHOULDER, :]
    return np.arctan2(-across[..., 2], across[..., 0])


def floor_height(joints: np.ndarray) -> float:
    """Height (m) of the one floor under all people of joints (..., T, 22, 3), blind to a few stray frames."""
    return float(np.percentile(joints[..., (L_FOOT, R_FOOT), 1], FLOOR_PERCENTILE)) - TOE_HEIGHT


def place_pair(joints: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move joints (2, T, 22, 3) and rotations (2, T, 22, 4) as one rigid unit.

    Person 0 starts with the pelvis at x = z = 0 and faces +Z; the floor of both is y = 0.
    """
    turn = yaw_quat(-facing(joints[0, 0]))
    origin = joints[0, 0, PELVIS].astype(float)
    origin[1] = floor_height(joints)
    placed = quat_apply(turn, joints - origin)
    turned = rotations.copy()
    turned[..., PELVIS, :] = quat_multiply(turn, rotations[..., PELVIS, :])
    return placed.astype(joints.dtype), turned


def place_each(joints: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Like `place_pair`, but as InterGen's loader does it (Liang et al. 2023): every person has a floor of their own.

    The lowest joint of each over all frames is at y = 0, which loses by how much one stands higher than the other;
    the hips alone tell where person 0 faces.
    """
    across = joints[0, 0, L_HIP] - joints[0, 0, R_HIP]
    turn = yaw_quat(np.arctan2(across[2], across[0]))
    origin = np.zeros((len(joints), 1, 1, 3))
    origin[..., (0, 2)] = joints[0, 0, PELVIS, (0, 2)]
    origin[..., 0, 0, 1] = joints[..., 1].min(axis=(-1, -2))
    turned = rotations.copy()
    turned[..., PELVIS, :] = quat_multiply(turn, rotations[..., PELVIS, :])
    return quat_apply(turn, joints - origin).astype(joints.dtype), turned


def mirror_pair(
    joints: np.ndarray, rotations: np.ndarray, contacts: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Exchange left and right: x becomes -x. Gives joints, rotations and, when given, contacts (..., 4)."""
    flip_point = np.array([-1, 1, 1], dtype=joints.dtype)
    flip_spin = np.array([1, 1, -1, -1], dtype=rotations.dtype)
    mirrored = (joints[..., MIRROR, :] * flip_point, rotations[..., MIRROR, :] * flip_spin)
    if contacts is None:
        return mirrored
    return (*mirrored, contacts[..., [2, 3, 0, 1]])
