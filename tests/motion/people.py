"""Standing people for the tests of contacts: arms at their sides, a little bent, feet on the floor."""

import numpy as np

from intermamba.motion.kinematics import bone_vectors, fk
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.rotations import quat_from_axis_angle, yaw_quat
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    JOINTS,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    R_ELBOW,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
)

_X, _Y, _Z = np.eye(3)
_POSE = {
    L_SHOULDER: (_Z, -1.3),
    R_SHOULDER: (_Z, 1.3),
    L_ELBOW: (_Y, -0.4),
    R_ELBOW: (_Y, 0.4),
    L_HIP: (_X, -0.15),
    R_HIP: (_X, -0.15),
    L_KNEE: (_X, 0.3),
    R_KNEE: (_X, 0.3),
}


def standing(frames: int = 60, at: tuple[float, float] = (0.0, 0.0), yaw: float = 0.0) -> np.ndarray:
    """Joints (T, 22, 3) of a person who stands still at x, z and faces +Z turned by `yaw`."""
    rotations = np.zeros((frames, JOINTS, 4))
    rotations[..., 0] = 1.0
    for joint, (axis, angle) in _POSE.items():
        rotations[:, joint] = quat_from_axis_angle(axis, angle)
    rotations[:, 0] = yaw_quat(yaw)
    joints = fk(rotations, np.array([at[0], 0.0, at[1]]) + np.zeros((frames, 3)), DEFAULT_REST)
    joints[..., 1] += TOE_HEIGHT - joints[..., L_FOOT, 1].min()
    return joints


def face_to_face(apart: float, frames: int = 60) -> np.ndarray:
    """Joints (2, T, 22, 3) of two people, pelvises so many metres apart."""
    return np.stack([standing(frames), standing(frames, at=(0.0, apart), yaw=np.pi)])


def bones_change(before: np.ndarray, after: np.ndarray) -> float:
    """The largest change (m) of any bone's length."""
    length = [np.linalg.norm(bone_vectors(joints), axis=-1) for joints in (before, after)]
    return float(np.abs(length[1] - length[0]).max())
