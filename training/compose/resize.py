"""A captured person on the common skeleton: bones point as they did, feet tread where they trod, to scale."""

import numpy as np

from intermamba.motion.filters import gaussian_smooth
from intermamba.motion.kinematics import bone_vectors, fit_rotations, global_rotations, measure_rest
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.rotations import normalise, quat_apply, quat_between, quat_inverse
from intermamba.motion.skeleton import (
    CHEST_GROUP,
    CHILDREN,
    HEAD,
    JOINTS,
    L_ANKLE,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    NECK,
    PARENTS,
    PELVIS,
    PELVIS_GROUP,
    R_ANKLE,
    R_FOOT,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    R_WRIST,
    SPINE1,
    SPINE2,
    SPINE3,
)

from .body import Body
from .feet import level_floor, place_feet

# Bones whose place differs from capture to capture: they turn with their parent instead of pointing as measured.
_RIGID = (*PELVIS_GROUP, *CHEST_GROUP, L_FOOT, R_FOOT)
_LEG_BONES = [L_KNEE, R_KNEE, L_ANKLE, R_ANKLE]
# Least heights (m) of joints that may bear on the floor, and the Gaussian sigma (frames) of the lift to them.
_LEAST = {
    PELVIS: 0.07,
    SPINE2: 0.07,
    SPINE3: 0.07,
    NECK: 0.06,
    HEAD: 0.07,
    L_SHOULDER: 0.05,
    R_SHOULDER: 0.05,
}
_LEAST |= {L_WRIST: 0.03, R_WRIST: 0.03}
_LIFT_SMOOTHING = 3.0


def onto_rest(joints: np.ndarray, rest: np.ndarray) -> Body:
    """Put joints (T, 22, 3) of one person on the skeleton `rest` (22, 3).

    The whole motion is scaled by the length of the legs, so that a foot that stood still stands still.
    """
    joints, rest = _mend_spine(level_floor(joints.astype(float))), rest.astype(float)
    own = measure_rest(joints)
    spins = global_rotations(fit_rotations(joints, own))
    out = _chain(joints, spins, rest)
    legs = np.linalg.norm(rest, axis=-1)[_LEG_BONES].sum()
    scale = legs / np.linalg.norm(own, axis=-1)[_LEG_BONES].sum()
    out += (_hip_centre(joints, spins, own, rest, scale) - _middle(out, L_HIP, R_HIP))[:, None]
    out[..., 1] += _lift(out)[:, None]
    toes, feet = [], []
    for ankle in (L_ANKLE, R_ANKLE):
        (toe,) = CHILDREN[ankle]
        feet.append(quat_apply(spins[:, ankle], rest[toe]))
        toes.append(scale * joints[:, toe] + [0.0, (1.0 - scale) * TOE_HEIGHT, 0.0])
    place_feet(out, joints, spins, rest, toes, feet)
    return Body(out[:, PELVIS], fit_rotations(out, rest))


def _middle(joints: np.ndarray, left: int, right: int) -> np.ndarray:
    return 0.5 * (joints[:, left] + joints[:, right])


def _mend_spine(joints: np.ndarray) -> np.ndarray:
    """Some captures have the spine's first joint behind the pelvis: put it above, on the line from the hips."""
    bone = joints[:, SPINE1] - joints[:, PELVIS]
    hips = _middle(joints, L_HIP, R_HIP)
    upright = np.einsum("ti,ti->t", normalise(bone), normalise(joints[:, SPINE3] - hips))
    if np.median(upright) > 0.5:
        return joints
    joints = joints.copy()
    length = np.linalg.norm(bone, axis=-1, keepdims=True)
    joints[:, SPINE1] = joints[:, PELVIS] + length * normalise(joints[:, PELVIS] - hips)
    joints[:, SPINE2] = _middle(joints, SPINE1, SPINE3)
    return joints


def _chain(joints: np.ndarray, spins: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) about a pelvis at 0, with the lengths of `rest` and the directions of `joints`."""
    directions = normalise(bone_vectors(joints))
    bones = directions * np.linalg.norm(rest, axis=-1)[:, None]
    for joint in _RIGID:
        bones[:, joint] = quat_apply(spins[:, PARENTS[joint]], rest[joint])
    chest = spins[:, SPINE3]
    for joint in (L_SHOULDER, R_SHOULDER):
        # A shrug is kept and not the slope of the shoulders, which says how the capture's skeleton was drawn.
        local = quat_apply(quat_inverse(chest), directions[:, joint])
        swing = quat_between(np.broadcast_to(np.median(local, axis=0), local.shape), local)
        bones[:, joint] = quat_apply(chest, quat_apply(swing, rest[joint]))
    out = np.zeros_like(joints)
    for joint in range(1, JOINTS):
        out[:, joint] = out[:, PARENTS[joint]] + bones[:, joint]
    return out


def _hip_centre(
    joints: np.ndarray, spins: np.ndarray, own: np.ndarray, rest: np.ndarray, scale: float
) -> np.ndarray:
    """Path (T, 3) of the point between the hips: legs as bent as they were, above a foot of another size."""
    path = scale * _middle(joints, L_HIP, R_HIP)
    ours, theirs = (0.5 * (body[L_FOOT] + body[R_FOOT]) for body in (rest, own))
    standing = np.clip(path[:, 1] / np.linalg.norm(rest, axis=-1)[[L_KNEE, L_ANKLE]].sum(), 0.0, 1.0)
    path[:, 1] += standing * ((TOE_HEIGHT - ours[1]) - scale * (TOE_HEIGHT - theirs[1]))
    forward = quat_apply(spins[:, PELVIS], np.array([0.0, 0.0, 1.0])) * [1.0, 0.0, 1.0]
    return path + (scale * theirs[2] - ours[2]) * forward


def _lift(joints: np.ndarray) -> np.ndarray:
    """How far (T,) a body rises so that neither trunk nor hands of joints (T, 22, 3) sink into the floor."""
    least = np.array(list(_LEAST.values()))
    sunk = np.maximum((least - joints[:, list(_LEAST), 1]).max(axis=1), 0.0)
    return gaussian_smooth(sunk, _LIFT_SMOOTHING, axis=0)
