"""The SMPL-22 body: joint names, tree, mirror and a default rest pose.

Metres, Y up, right-handed. The rest pose is a T-pose facing +Z, so the left side is +X.
"""

import numpy as np

JOINT_NAMES = (
    "pelvis",
    "L_hip",
    "R_hip",
    "spine1",
    "L_knee",
    "R_knee",
    "spine2",
    "L_ankle",
    "R_ankle",
    "spine3",
    "L_foot",
    "R_foot",
    "neck",
    "L_collar",
    "R_collar",
    "head",
    "L_shoulder",
    "R_shoulder",
    "L_elbow",
    "R_elbow",
    "L_wrist",
    "R_wrist",
)
JOINTS = len(JOINT_NAMES)

PELVIS, L_HIP, R_HIP, SPINE1, L_KNEE, R_KNEE, SPINE2, L_ANKLE, R_ANKLE, SPINE3, L_FOOT, R_FOOT = range(12)
NECK, L_COLLAR, R_COLLAR, HEAD, L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST = range(12, 22)

PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19])
PARENTS.flags.writeable = False

CHILDREN = tuple(tuple(int(k) for k in np.flatnonzero(j == PARENTS)) for j in range(JOINTS))

_SIDE = {"L": "R", "R": "L"}
MIRROR = np.array([JOINT_NAMES.index(_SIDE.get(n[0], n[0]) + n[1:]) for n in JOINT_NAMES])
MIRROR.flags.writeable = False

# The order of the four contact features.
FEET = (L_ANKLE, L_FOOT, R_ANKLE, R_FOOT)

# Bones that move together with the pelvis, and with the chest.
PELVIS_GROUP = (L_HIP, R_HIP, SPINE1)
CHEST_GROUP = (NECK, L_COLLAR, R_COLLAR)

# Root to tip of every limb: (parent, upper joint, middle joint, end joint).
LEGS = ((PELVIS, L_HIP, L_KNEE, L_ANKLE), (PELVIS, R_HIP, R_KNEE, R_ANKLE))
ARMS = ((L_COLLAR, L_SHOULDER, L_ELBOW, L_WRIST), (R_COLLAR, R_SHOULDER, R_ELBOW, R_WRIST))

# Axis about which the middle joint flexes, in the rest pose: knees backwards, elbows forwards (palms down).
HINGE_AXES = {
    L_KNEE: np.array([1.0, 0.0, 0.0]),
    R_KNEE: np.array([1.0, 0.0, 0.0]),
    L_ELBOW: np.array([0.0, -1.0, 0.0]),
    R_ELBOW: np.array([0.0, 1.0, 0.0]),
}


def _default_rest() -> np.ndarray:
    rest = np.zeros((JOINTS, 3))
    for joint, offset in {
        L_HIP: (0.075, -0.085, 0.0),
        SPINE1: (0.0, 0.115, -0.015),
        L_KNEE: (0.015, -0.395, 0.0),
        SPINE2: (0.0, 0.135, 0.0),
        L_ANKLE: (0.0, -0.41, -0.02),
        SPINE3: (0.0, 0.06, 0.01),
        L_FOOT: (0.025, -0.06, 0.125),
        NECK: (0.0, 0.205, -0.02),
        L_COLLAR: (0.075, 0.11, -0.02),
        HEAD: (0.0, 0.09, 0.03),
        L_SHOULDER: (0.105, 0.02, -0.005),
        L_ELBOW: (0.265, 0.0, 0.0),
        L_WRIST: (0.25, 0.0, 0.0),
    }.items():
        rest[joint] = offset
        if MIRROR[joint] != joint:
            rest[MIRROR[joint]] = np.array(offset) * (-1, 1, 1)
    rest.flags.writeable = False
    return rest


# Offsets of every joint from its parent (22,3): an adult of about 1.7 m.
DEFAULT_REST = _default_rest()
