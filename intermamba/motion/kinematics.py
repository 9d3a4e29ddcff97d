"""Forward kinematics, and rotations and rest offsets from joint positions.

Global rotation G_k = G_parent R_k, position p_k = p_parent + G_parent rest_k; rest_0 is zero and the root's
position is given apart. Arrays are (..., T, 22, 3) joints and (..., T, 22, 4) quaternions.
"""

import numpy as np

from .filters import gaussian_smooth, smoothstep
from .rotations import (
    kabsch,
    normalise,
    quat_apply,
    quat_between,
    quat_from_matrix,
    quat_inverse,
    quat_multiply,
    quat_slerp,
    quat_unroll,
)
from .skeleton import (
    ARMS,
    CHEST_GROUP,
    CHILDREN,
    DEFAULT_REST,
    HEAD,
    HINGE_AXES,
    JOINTS,
    L_ANKLE,
    L_COLLAR,
    L_FOOT,
    L_HIP,
    LEGS,
    NECK,
    PARENTS,
    PELVIS,
    PELVIS_GROUP,
    R_ANKLE,
    R_COLLAR,
    R_FOOT,
    R_HIP,
    SPINE1,
    SPINE2,
    SPINE3,
)

# A limb straighter than the first angle has no hinge plane of its own; beyond the second only its own counts.
_STRAIGHT, _BENT = np.radians(8.0), np.radians(25.0)
# Frames over which a straight limb remembers the plane it had when bent (a Gaussian's sigma).
_MEMORY = 6.0


def global_rotations(rotations: np.ndarray) -> np.ndarray:
    """Rotations of every joint in the world (..., 22, 4), from local ones."""
    out = rotations.copy()
    for k in range(1, JOINTS):
        out[..., k, :] = quat_multiply(out[..., PARENTS[k], :], rotations[..., k, :])
    return out


def fk(rotations: np.ndarray, root: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Joints (..., 22, 3) of local rotations (..., 22, 4), root (..., 3) and rest (22, 3) or (..., 22, 3)."""
    spins = global_rotations(rotations)
    offsets = quat_apply(spins[..., PARENTS[1:], :], rest[..., 1:, :])
    joints = np.empty((*offsets.shape[:-2], JOINTS, 3), dtype=offsets.dtype)
    joints[..., 0, :] = root
    for k in range(1, JOINTS):
        joints[..., k, :] = joints[..., PARENTS[k], :] + offsets[..., k - 1, :]
    return joints


def bone_vectors(joints: np.ndarray) -> np.ndarray:
    """Vector from the parent to every joint (..., 22, 3); zero for the root."""
    out = np.zeros_like(joints)
    out[..., 1:, :] = joints[..., 1:, :] - joints[..., PARENTS[1:], :]
    return out


def rest_from_joints(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Mean rest offsets (..., 22, 3) of a clip whose joints (..., T, 22, 3) and local rotations are known."""
    spins = global_rotations(rotations)[..., PARENTS[1:], :]
    rest = np.zeros((*joints.shape[:-3], JOINTS, 3))
    rest[..., 1:, :] = quat_apply(quat_inverse(spins), bone_vectors(joints)[..., 1:, :]).mean(axis=-3)
    return rest


def fit_rotations(joints: np.ndarray, rest: np.ndarray, twist_hint: np.ndarray | None = None) -> np.ndarray:
    """Local rotations (..., T, 22, 4) whose bones point the way the joints (..., T, 22, 3) lie.

    Pelvis and chest are the best rigid fit of their bones; every other bone takes the measured direction.
    Its twist is that of `twist_hint` (local rotations; the root is not used) when given. Otherwise it is
    anatomical: the spine shares that between pelvis and chest, both bones of a limb lie in the hinge plane of
    its elbow or knee, neck and wrist have none. Continuous over the frames.
    `rest` is (22, 3), or (..., 22, 3) with the leading axes of `joints`.
    """
    joints = joints.astype(float)
    rest = rest.astype(float)[..., None, :, :]
    bones = normalise(bone_vectors(joints))
    spins = np.empty((*joints.shape[:-1], 4))
    spins[..., PELVIS, :] = _rigid_fit(bones, rest, PELVIS_GROUP)
    spins[..., SPINE3, :] = _rigid_fit(bones, rest, CHEST_GROUP)
    if twist_hint is None:
        _anatomical_spins(spins, bones, rest)
    else:
        _hinted_spins(spins, bones, rest, twist_hint.astype(float))
    local = spins.copy()
    local[..., 1:, :] = quat_multiply(quat_inverse(spins[..., PARENTS[1:], :]), spins[..., 1:, :])
    local = np.where(local[..., :1, :, :1] < 0, -local, local)
    return quat_unroll(local, axis=-3)


def _rigid_fit(bones: np.ndarray, rest: np.ndarray, group: tuple[int, ...]) -> np.ndarray:
    source = rest[..., group, :]
    target = bones[..., group, :] * np.linalg.norm(source, axis=-1, keepdims=True)
    return quat_from_matrix(kabsch(np.broadcast_to(source, target.shape), target))


def _aim(spin: np.ndarray, bones: np.ndarray, rest: np.ndarray, child: int) -> np.ndarray:
    """Turn `spin` by the smallest rotation that makes the bone to `child` point as measured."""
    swing = quat_between(quat_apply(spin, rest[..., child, :]), bones[..., child, :])
    return quat_multiply(swing, spin)


def _anatomical_spins(spins: np.ndarray, bones: np.ndarray, rest: np.ndarray) -> None:
    pelvis, chest = spins[..., PELVIS, :], spins[..., SPINE3, :]
    spins[..., SPINE1, :] = _aim(quat_slerp(pelvis, chest, 1 / 3), bones, rest, SPINE2)
    spins[..., SPINE2, :] = _aim(quat_slerp(pelvis, chest, 2 / 3), bones, rest, SPINE3)
    for joint, child in ((NECK, HEAD), *((arm[0], arm[1]) for arm in ARMS)):
        spins[..., joint, :] = _aim(chest, bones, rest, child)
    spins[..., HEAD, :] = spins[..., NECK, :]
    for parent, upper, middle, end in ARMS:
        _hinge_limb(spins, bones, rest, (parent, upper, middle, end), None)
        spins[..., end, :] = spins[..., middle, :]
    for parent, upper, middle, end in LEGS:
        (toe,) = CHILDREN[end]
        _hinge_limb(spins, bones, rest, (parent, upper, middle, end), toe)
        spins[..., end, :] = _aim(spins[..., middle, :], bones, rest, toe)
        spins[..., toe, :] = spins[..., end, :]


def _hinged_frame(direction: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Matrices with columns direction, axis made perpendicular to it, and their cross product."""
    axis = normalise(axis - direction * np.einsum("...i,...i->...", axis, direction)[..., None])
    direction, axis = np.broadcast_arrays(direction, axis)
    return np.stack([direction, axis, np.cross(direction, axis)], axis=-1)


def _hinge_limb(spins: np.ndarray, bones: np.ndarray, rest: np.ndarray, limb: tuple, toe: int | None) -> None:
    """Spins of the upper and lower bone of a limb, both turned into the limb's plane."""
    parent, upper, middle, end = limb
    axis = HINGE_AXES[middle]
    plane = _hinge_axis(_aim(spins[..., parent, :], bones, rest, middle), bones, limb, toe)
    for joint, child in ((upper, middle), (middle, end)):
        measured = _hinged_frame(bones[..., child, :], plane)
        resting = _hinged_frame(normalise(rest[..., child, :]), axis)
        spins[..., joint, :] = quat_from_matrix(measured @ np.swapaxes(resting, -1, -2))


def _hinge_axis(reference: np.ndarray, bones: np.ndarray, limb: tuple, toe: int | None) -> np.ndarray:
    """Flexion axis (..., T, 3) of elbow or knee: the normal of the limb's plane where it is bent.

    Where it is straight the axis follows `reference` (the parent's twist), the foot, and the frames nearby.
    Axes are angles about the upper bone, 0 being the reference, kept as unit vectors in that plane.
    """
    _, _, middle, end = limb
    direction = bones[..., middle, :]
    frame = _hinged_frame(direction, quat_apply(reference, HINGE_AXES[middle]))[..., 1:]
    normal = np.einsum("...ij,...i->...j", frame, np.cross(direction, bones[..., end, :]))
    sine = np.hypot(normal[..., 0], normal[..., 1])
    bend = np.arctan2(sine, np.einsum("...i,...i->...", direction, bones[..., end, :]))
    trust = smoothstep(bend, _STRAIGHT, _BENT)[..., None]
    bent = trust * normalise(normal)
    prior = np.array([0.2, 0.0])
    if toe is not None:
        # A foot points forward: its plane with the shin is the knee's, unless the toes point straight down.
        prior = prior + np.einsum("...ij,...i->...j", frame, np.cross(bones[..., toe, :], bones[..., end, :]))
    straight = normalise(gaussian_smooth(bent, _MEMORY, axis=-2) + prior)
    angle = normalise(bent + (1.0 - trust) * straight)
    return np.einsum("...ij,...j->...i", frame, angle)


def _hinted_spins(spins: np.ndarray, bones: np.ndarray, rest: np.ndarray, hint: np.ndarray) -> None:
    for k in range(1, JOINTS):
        if k == SPINE3:
            continue
        spins[..., k, :] = quat_multiply(spins[..., PARENTS[k], :], hint[..., k, :])
        if CHILDREN[k]:
            spins[..., k, :] = _aim(spins[..., k, :], bones, rest, CHILDREN[k][0])


def measure_rest(joints: np.ndarray) -> np.ndarray:
    """Rest offsets (..., 22, 3) of the body in a clip (..., T, 22, 3): its bones in the default T-pose.

    Hips and spine keep their measured shape about the pelvis, neck and collars theirs about the chest. The
    feet keep the slope that they have in this clip when they stand flat: a foot at rest is a flat foot.
    """
    vectors = bone_vectors(joints.astype(float))
    length = np.median(np.linalg.norm(vectors, axis=-1), axis=-2)
    rest = normalise(DEFAULT_REST) * length[..., None]
    for group, left, right, up in (
        (PELVIS_GROUP, L_HIP, R_HIP, SPINE1),
        (CHEST_GROUP, L_COLLAR, R_COLLAR, NECK),
    ):
        measured = _upright_frame(vectors[..., left, :] - vectors[..., right, :], vectors[..., up, :])
        shape = np.einsum("...tij,...tki->...tkj", measured, vectors[..., group, :]).mean(axis=-3)
        upright = _upright_frame(np.array([1.0, 0.0, 0.0]), DEFAULT_REST[up])
        rest[..., group, :] = shape @ upright.T
    for ankle, toe in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)):
        drop = _flat_drop(joints[..., ankle, 1], joints[..., toe, 1], length[..., toe])
        flat = normalise(DEFAULT_REST[toe] * [1, 0, 1]) * np.sqrt(length[..., toe] ** 2 - drop**2)[..., None]
        rest[..., toe, :] = flat - drop[..., None] * np.array([0.0, 1.0, 0.0])
    return rest


def _upright_frame(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Matrices with columns across, up made perpendicular to it, and their cross product."""
    across = normalise(across)
    return _hinged_frame(across, up)


def _flat_drop(ankle: np.ndarray, toe: np.ndarray, length: np.ndarray) -> np.ndarray:
    """How far the toe joint lies below the ankle when the sole is on the floor: heights (..., T) -> (...)."""
    low = ankle <= np.percentile(ankle, 15, axis=-1, keepdims=True)
    drop = np.nanmedian(np.where(low, ankle - toe, np.nan), axis=-1)
    return np.clip(drop, 0.0, 0.95 * length)
