"""Changing a pair as a whole: who plays whom, left and right, and how far apart."""

from dataclasses import replace

import numpy as np

from .motion import Motion
from .placement import facing, mirror_pair
from .rotations import normalise
from .skeleton import MIRROR, PELVIS


def swap_people(motion: Motion) -> Motion:
    """Each person plays the other's part, where the other played it."""
    return replace(
        motion,
        joints=motion.joints[::-1],
        rotations=motion.rotations[::-1],
        root=motion.root[::-1],
        rest=motion.rest[::-1],
        contacts=motion.contacts[::-1],
    )


def mirror_motion(motion: Motion) -> Motion:
    """Left and right exchanged, of the bodies and of the floor."""
    joints, rotations, contacts = mirror_pair(motion.joints, motion.rotations, motion.contacts)
    flip = np.array([-1, 1, 1], dtype=motion.rest.dtype)
    return replace(
        motion,
        joints=joints,
        rotations=rotations,
        root=joints[:, :, PELVIS].copy(),
        rest=motion.rest[:, MIRROR] * flip,
        contacts=contacts,
    )


def spread_pair(motion: Motion, metres: float) -> Motion:
    """The second person moved away from the first, or nearer, along the line on which they stand on average."""
    apart = (motion.root[1] - motion.root[0]).mean(axis=0) * [1.0, 0.0, 1.0]
    if np.linalg.norm(apart) < 1e-3:
        yaw = facing(motion.joints[0, 0])
        apart = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    move = np.zeros((2, 1, 3), dtype=motion.root.dtype)
    move[1] = metres * normalise(apart)
    return replace(motion, joints=motion.joints + move[:, :, None], root=motion.root + move)
