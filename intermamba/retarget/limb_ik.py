"""Limbs of two bones, from shoulder or hip to hand or foot: where the pole is, and their lengths kept."""

import numpy as np

from ..motion.rotations import normalise, quat_between, quat_to_matrix

# A joint nearer (as a share of the limb's length) to the line from root to end than this is as good as straight.
_STRAIGHT = 0.03


def bend_direction(root: np.ndarray, joint: np.ndarray, end: np.ndarray, hint: np.ndarray) -> np.ndarray:
    """Unit vectors (T,3) from an elbow or knee to its pole, for positions (T,3) of shoulder, elbow and hand or so.

    They lie in the limb's plane, across the line from root to end. Where the limb is straight and has no plane, `hint`
    (T,3) takes over gradually: where the pole would be if it turned with the upper bone.
    """
    line = normalise(end - root)
    length = np.linalg.norm(joint - root, axis=-1) + np.linalg.norm(end - joint, axis=-1)
    out = _across(joint - root, line)
    share = np.clip(np.linalg.norm(out, axis=-1) / (_STRAIGHT * length), 0.0, 1.0)[:, None]
    return normalise(share * normalise(out) + (1.0 - share) * normalise(_across(hint, line)))


def unstretched(
    upper: np.ndarray, lower: np.ndarray, end: np.ndarray, lengths: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Poses (T,4,4) of the two bones with `lengths` again, where IK has stretched or shortened them.

    The end stays where it is, as far as the limb reaches; the bones turn in their plane and keep their twist.
    """
    root, joint, goal = (pose[:, :3, 3] for pose in (upper, lower, end))
    first, second = lengths
    line = normalise(goal - root)
    reach = np.clip(np.linalg.norm(goal - root, axis=-1), abs(first - second) + 1e-6, first + second)
    along = (first**2 - second**2 + reach**2) / (2.0 * reach)
    height = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    bent = root + along[:, None] * line + height[:, None] * normalise(_across(joint - root, line))
    end_now = root + reach[:, None] * line
    upper, lower = upper.copy(), lower.copy()
    upper[:, :3, :3] = quat_to_matrix(quat_between(joint - root, bent - root)) @ upper[:, :3, :3]
    lower[:, :3, :3] = quat_to_matrix(quat_between(goal - joint, end_now - bent)) @ lower[:, :3, :3]
    lower[:, :3, 3] = bent
    return upper, lower


def _across(vectors: np.ndarray, line: np.ndarray) -> np.ndarray:
    return vectors - np.sum(vectors * line, axis=-1, keepdims=True) * line
