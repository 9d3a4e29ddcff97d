"""Loops: a cut whose last pose is its first again, and where in its stride a walker is."""

import numpy as np

from intermamba.errors import IntermambaError
from intermamba.motion.placement import facing
from intermamba.motion.rotations import (
    quat_apply,
    quat_inverse,
    quat_multiply,
    quat_slerp,
    yaw_quat,
)
from intermamba.motion.skeleton import L_FOOT, PELVIS, R_FOOT

from .body import FPS, Body

# How far (frames) the end is moved to meet the beginning, and how much (m, over all joints) may be left to blend away.
_SEARCH = round(0.25 * FPS)
_WORST = 0.12
# A step's velocity counts as much as the pose: so many frames of it are added to a pose.
_VELOCITY_FRAMES = 3.0
# A loop that goes less far (m) stands still: it ends where it began.
STANDING = 0.3


def close_loop(clip: Body, start: int, stop: int, rest: np.ndarray) -> Body:
    """Frames `start` to about `stop` of a clip as a loop: it ends at the pose nearest to the first, made the same.

    What is left of the difference is spread over the whole loop, so that no frame shows it.
    """
    poses = _poses(clip.joints(rest))
    last = np.arange(max(start + _SEARCH, stop - 1 - _SEARCH), min(stop + _SEARCH, clip.frames))
    if not len(last):
        raise IntermambaError("a loop must be longer than half a second.")
    away = np.linalg.norm(poses[last] - poses[start], axis=-1).mean(axis=-1)
    if away.min() > _WORST:
        raise IntermambaError(
            f"this cut does not loop: its last pose is {100 * away.min():.0f} cm off the first, on average; "
            "move `stop` to where the pose comes back."
        )
    body = clip.slice(start, int(last[np.argmin(away)]) + 1)
    return closed(body)


def _poses(joints: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) as seen from the pelvis, and with them where they go: (T, 44, 3)."""
    turn = yaw_quat(-facing(joints))[:, None]
    local = quat_apply(turn, joints - joints[:, PELVIS, None] * [1.0, 0.0, 1.0])
    velocity = quat_apply(turn, np.gradient(joints, axis=0))
    return np.concatenate([local, _VELOCITY_FRAMES * velocity], axis=1)


def closed(body: Body) -> Body:
    """The body with its last pose made the same as its first; one that hardly travels ends where it began, too."""
    share = np.linspace(0.0, 1.0, body.frames)
    missing = quat_multiply(quat_inverse(body.rotations[-1]), body.rotations[0])
    still = np.broadcast_to([1.0, 0.0, 0.0, 0.0], missing.shape)
    rotations = quat_multiply(body.rotations, quat_slerp(still, missing, share[:, None]))
    gap = body.root[0] - body.root[-1]
    if np.hypot(gap[0], gap[2]) > STANDING:
        gap[[0, 2]] = 0.0
    return Body(body.root + share[:, None] * gap, rotations)


def stride_phase(joints: np.ndarray) -> np.ndarray:
    """Where in the stride (T,) a walker or runner of joints (T, 22, 3) is: 0 left foot foremost, 0.5 right, below 1.

    The angle of the feet's distance along the way and of its speed, which a gait makes go round.
    """
    yaw = facing(joints)
    apart = joints[:, L_FOOT] - joints[:, R_FOOT]
    ahead = apart[:, 0] * np.sin(yaw) + apart[:, 2] * np.cos(yaw)
    speed = np.gradient(ahead)
    speed *= np.std(ahead) / max(float(np.std(speed)), 1e-9)
    return np.arctan2(-speed, ahead) / (2.0 * np.pi) % 1.0
