"""Poses of a bone tree: in armature space, and relative to the rest pose as Blender keys them.

A bone's pose is P = P_parent L B, with L = rest_parent^-1 rest its place at rest and B its basis, what is keyed.
Arrays are (B,4,4) at rest and (T,B,4,4) posed; parents (B,) are -1 for bones without one.
"""

import numpy as np

from ..motion.rotations import quat_from_matrix, quat_unroll


def basis_of(rest: np.ndarray, parents: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Keys (T,B,4,4) of poses (T,B,4,4) in armature space."""
    below = parents >= 0
    place, moved = rest.copy(), pose.copy()
    place[below] = np.linalg.inv(rest[parents[below]]) @ rest[below]
    moved[:, below] = np.linalg.inv(pose[:, parents[below]]) @ pose[:, below]
    return np.linalg.inv(place) @ moved


def pose_of(rest: np.ndarray, parents: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Poses (T,B,4,4) in armature space of keys (T,B,4,4). Parents come before their children."""
    pose = np.empty_like(basis)
    for bone, parent in enumerate(parents):
        if parent < 0:
            pose[:, bone] = rest[bone] @ basis[:, bone]
        else:
            place = np.linalg.inv(rest[parent]) @ rest[bone]
            pose[:, bone] = pose[:, parent] @ place @ basis[:, bone]
    return pose


def split_basis(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Locations (T,B,3), rotations (T,B,4) w,x,y,z continuous in time, and scales (T,B,3) of keys (T,B,4,4)."""
    scales = np.linalg.norm(basis[..., :3, :3], axis=-2)
    rotations = quat_unroll(quat_from_matrix(basis[..., :3, :3] / scales[..., None, :]), axis=0)
    return basis[..., :3, 3], rotations, scales
