"""What is done to a reconstructed motion last: contacts are made real, bodies part, nobody is in the floor."""

from dataclasses import replace

import numpy as np

from .adjust import Limb, eased, length, reach, standing, widest
from .collide import push_out
from .filters import gaussian_smooth, smoothstep
from .find_touches import touches_of
from .kinematics import fit_rotations, fk
from .motion import Motion
from .rotations import normalise
from .skeleton import ARMS, FEET, JOINTS, L_KNEE, LEGS, PARENTS, R_KNEE
from .touch import keep_touches

# The least heights (m) of joints, feet aside, in people who lie; frames over which bodies rise to them, and how far.
_LEAST = dict.fromkeys((*ARMS[0][2:], *ARMS[1][2:], L_KNEE, R_KNEE), 0.02) | dict.fromkeys(FEET, -np.inf)
LEAST_HEIGHTS = np.array([_LEAST.get(k, 0.05) for k in range(JOINTS)])
FLOOR_SMOOTHING = 2.0
MOST_UP = 0.5
# A limb's jerk (m/s^3) beyond the first of these is no body's, beyond the second it is smoothed in full; and the frames
# (a Gaussian's sigma) over which. In captured dances and runs 99.9 % is below about 4000, in kicks 7000.
POP_JERK = (5000.0, 9000.0)
POP_SMOOTHING = 2.0
_LIMBS = [k for limb in (*ARMS, *LEGS) for k in limb[2:]]
_TRUNK = [k for k in range(JOINTS) if k not in (*_LIMBS, *FEET)]


def finish(motion: Motion) -> Motion:
    """Keep the contacts that the motion nearly makes, push the two out of each other and up out of the floor.

    Bones keep their lengths and standing feet their places.
    """
    touches = touches_of(motion)
    joints = above_floor(calm(motion.joints.astype(float), motion.fps))
    joints = push_out(keep_touches(joints, touches), touches)
    joints = above_floor(keep_touches(calm(joints, motion.fps), touches))
    rotations = fit_rotations(joints, motion.rest, motion.rotations).astype(np.float32)
    root = joints[:, :, 0].astype(np.float32)
    return replace(motion, joints=fk(rotations, root, motion.rest[:, None]), rotations=rotations, root=root)


def above_floor(joints: np.ndarray) -> np.ndarray:
    """Joints (..., T, 22, 3) with nothing lower than it is in people who lie, kneel or lean on the floor; a copy.

    Feet stay where they are, as far as legs reach.
    """
    out = joints.copy()
    for part in (_TRUNK, _LIMBS):
        below = np.maximum(LEAST_HEIGHTS - out[..., 1], 0.0)
        if not below[..., part].any():
            continue
        if part is _TRUNK:
            ankles = out[..., FEET[::2], :].copy()
            out += _upward(below[..., part].max(axis=-1))[..., None, :]
            for side, leg in enumerate(LEGS):
                reach(out, leg, ankles[..., side, :], tip=0.0)
            continue
        for limb in (*ARMS, *LEGS):
            _, _, middle, end = limb
            reach(
                out, limb, out[..., end, :] + _upward(below[..., end]), _upward(below[..., middle]), tip=0.0
            )
    return out


def _upward(heights: np.ndarray) -> np.ndarray:
    return eased(heights[..., None] * np.array([0.0, 1.0, 0.0]), FLOOR_SMOOTHING, MOST_UP)


def calm(joints: np.ndarray, fps: float = 30.0) -> np.ndarray:
    """Joints (..., T, 22, 3) without the jumps of elbows, knees, hands and feet that no body makes; a copy.

    Where a limb's jerk stays in the range of captured motion, blows and landings included, nothing changes.
    """
    out = joints.copy()
    stands = standing(joints, fps)
    for side, leg in enumerate(LEGS):
        ankle, knee = joints[..., leg[3], :], joints[..., leg[2], :]
        pop = _pops(joints, leg, fps)
        free = pop * (1.0 - stands[..., side, None])
        reach(out, leg, ankle + free * _smoother(ankle), pop * _smoother(knee), tip=0.0)
    for arm in ARMS:
        moved = 0.0
        for joint in arm[2:]:
            bone = joints[..., joint, :] - joints[..., PARENTS[joint], :]
            smooth = normalise(bone + _pops(joints, arm, fps) * _smoother(bone))
            moved = moved + smooth * length(joints, joint)[..., None] - bone
            out[..., joint, :] += moved
    return out


def _pops(joints: np.ndarray, limb: Limb, fps: float) -> np.ndarray:
    """How much (..., T, 1) the middle or end of a limb jumps, 0 to 1, a few frames around included."""
    low, high = (jerk / fps**3 for jerk in POP_JERK)
    jerk = np.linalg.norm(np.diff(joints[..., limb[2:], :], n=3, axis=-3), axis=-1).max(axis=-1)
    jerk = np.pad(jerk, [(0, 0)] * (jerk.ndim - 1) + [(1, 2)])
    return gaussian_smooth(widest(smoothstep(jerk, low, high), 3), 2.0, -1)[..., None]


def _smoother(path: np.ndarray) -> np.ndarray:
    return gaussian_smooth(path, POP_SMOOTHING, -2) - path
