"""Root motion: where a body is on the floor and which way it faces, apart from what its limbs do.

Everything is in a world with Z up, in metres, where a figure at rest faces -Y and its left is +X, as in Blender.
"""

from typing import Literal

import numpy as np

Root = Literal["HIPS", "ROOT", "IN_PLACE"]
"""Who carries the travel: the hips; a bone on the floor below them, turned with the body; or nobody."""
Origin = Literal["SCENE", "PAIR", "OWN"]
"""Where a clip starts: as in the scene; with the first person at the origin; or each person at the origin."""

# The hip line tells where a body faces while at least this share of it is level.
_LEVEL = 0.3


def ground_frames(hips: np.ndarray, left: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """Frames (T,4,4) on the floor below the hips (T,3), turned about the vertical as the body faces.

    `left` (T,3) points from the body's right to its left. While it is nearly upright, as in a cartwheel, the turn
    goes evenly from what it was to what it will be.
    """
    level = np.linalg.norm(left[:, :2], axis=1)
    clear = np.flatnonzero(level > _LEVEL * np.maximum(np.linalg.norm(left, axis=1), 1e-9))
    yaw = np.zeros(len(hips))
    if len(clear):
        turn = np.unwrap(np.arctan2(left[clear, 1], left[clear, 0]))
        yaw = np.interp(np.arange(len(hips)), clear, turn)
    frames = np.tile(np.eye(4), (len(hips), 1, 1))
    frames[:, 0, 0] = frames[:, 1, 1] = np.cos(yaw)
    frames[:, 1, 0] = np.sin(yaw)
    frames[:, 0, 1] = -frames[:, 1, 0]
    frames[:, :2, 3] = hips[:, :2]
    frames[:, 2, 3] = floor
    return frames


def clip_frames(grounds: np.ndarray, root: Root, origin: Origin) -> np.ndarray:
    """What each person's poses are multiplied with (P,T,4,4), from the left, for a clip of this kind.

    grounds: (P,T,4,4) of `ground_frames`, in the scene.
    """
    frames = np.tile(np.eye(4), (*grounds.shape[:2], 1, 1))
    if root == "IN_PLACE":
        frames[..., :3, 3] = grounds[:, :1, :3, 3] - grounds[..., :3, 3]
    if origin == "PAIR":
        frames = np.linalg.inv(grounds[0, 0]) @ frames
    elif origin == "OWN":
        frames = np.linalg.inv(grounds[:, :1]) @ frames
    return frames


def root_poses(grounds: np.ndarray, frames: np.ndarray, root: Root) -> np.ndarray:
    """Poses (P,T,4,4) of the bones on the floor, in clips of `clip_frames`."""
    if root == "IN_PLACE":
        return np.tile((frames @ grounds)[:, :1], (1, grounds.shape[1], 1, 1))
    return frames @ grounds


def offset_of(ground: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, float]:
    """Where `other` (4,4) stands seen from `ground` (4,4): metres (3,), and degrees about the vertical."""
    relative = np.linalg.inv(ground) @ other
    return relative[:3, 3], float(np.degrees(np.arctan2(relative[1, 0], relative[0, 0])))
