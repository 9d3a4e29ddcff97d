"""From a network's features to two bodies: constant bones, feet that stand, no shaking.

The features say the same thing several times and never quite agree. Positions and velocities are fused into smooth
paths, feet that stand are held still by the same fit, the skeleton is laid along the paths, and two-bone IK brings
ankles and wrists to where the paths go.
"""

import numpy as np

from ..errors import IntermambaError
from .adjust import widest
from .features import decode
from .filters import fit_paths, gaussian_smooth, smoothstep
from .ik import two_bone_ik
from .kinematics import fit_rotations, fk, global_rotations
from .motion import Motion
from .placement import TOE_HEIGHT
from .rotations import normalise, quat_apply, rotation_from_6d, rotation_to_6d
from .skeleton import (
    ARMS,
    CHEST_GROUP,
    CHILDREN,
    FEET,
    HINGE_AXES,
    JOINTS,
    L_COLLAR,
    L_HIP,
    L_SHOULDER,
    LEGS,
    NECK,
    PELVIS,
    PELVIS_GROUP,
    R_COLLAR,
    R_HIP,
    R_SHOULDER,
    SPINE1,
    SPINE2,
    SPINE3,
)
from .stances import find_stances

# Weights of the path fit where a position has 1: a velocity, and a standing foot's velocity of zero by axis. Up and
# down it is gentle: a foot that is put down slowly must not stay above the ground.
VELOCITY_WEIGHT = 8.0
PLANT_WEIGHTS = (((0, 2), 20000.0), ((1,), 60.0))
# Frames (a Gaussian's sigma) over which a foot comes to stand and sets off.
PLANT_RAMP = 1.0

# Share of a limb's length that is given out softly; the extension to which a standing leg is kept; and the
# most (m) by which the body is raised or lowered for its legs.
SOFT_REACH = 0.01
STANDING_REACH = 0.995
MOST_CHANGE = 0.1
# How far (m) the hinge axis stands a limb's middle out, beside where the path has it; and the lowest toe joint (m).
HINGE_SHARE = 0.01
LEAST_HEIGHT = 0.5 * TOE_HEIGHT
# The lowest toe joint (m) of a foot that swings, about the middle of captured ones: not yet at the first speed (m/s),
# in full from the second.
SWING_HEIGHT = 0.055
SWINGS = (0.1, 0.8)
# The joints that say together where the body is.
TRUNK = (PELVIS, L_HIP, R_HIP, SPINE1, SPINE2, SPINE3, NECK, L_SHOULDER, R_SHOULDER)
# Bones so short that an error of a centimetre turns what hangs on them.
SHORT_BONES = (
    (PELVIS, PELVIS_GROUP),
    (SPINE3, CHEST_GROUP),
    (L_COLLAR, (L_SHOULDER,)),
    (R_COLLAR, (R_SHOULDER,)),
)
# Gaussian sigmas in frames: of short bones, of where elbows and knees stand out, of rotations, which only say how
# bones twist, of what lifts a swinging foot, and of the change of the body's height. Hands and feet are not smoothed:
# impacts stay sharp.
BONE_SMOOTHING = 1.5
BEND_SMOOTHING = 1.5
TWIST_SMOOTHING = 1.5
LIFT_SMOOTHING = 1.5
HEIGHT_SMOOTHING = 3.0


def reconstruct(features: np.ndarray, rest: np.ndarray, fps: float = 30.0) -> Motion:
    """Two bodies with the bones of `rest` (22, 3) or (2, 22, 3) from denormalised features (2, T, 262), T >= 2.

    Raises IntermambaError for features that are not numbers.
    """
    if not np.isfinite(features).all():
        raise IntermambaError(
            "The model gave values that are not numbers: use another seed or reinstall its bundle."
        )
    said = decode(features.astype(float))
    rest = np.broadcast_to(rest, (*features.shape[:-2], JOINTS, 3)).astype(float)
    paths = fit_paths(said.joints, said.velocities, VELOCITY_WEIGHT)
    stances = find_stances(paths[..., FEET, :], said.contacts, fps)
    planted = np.clip(gaussian_smooth(stances.astype(float), PLANT_RAMP, axis=-2), 0.0, 1.0)
    targets = paths.copy()
    for parent, children in SHORT_BONES:
        bones = paths[..., children, :] - paths[..., (parent,), :]
        targets[..., children, :] = targets[..., (parent,), :] + gaussian_smooth(
            bones, BONE_SMOOTHING, axis=-3
        )
    targets[..., FEET, :] = _plant(said.joints[..., FEET, :], said.velocities[..., FEET, :], planted)
    twist = _twist(said.rotations)
    rotations = fit_rotations(targets, rest, twist)
    joints = fk(rotations, paths[..., PELVIS, :], rest[..., None, :, :])
    joints += (paths - joints)[..., TRUNK, :].mean(axis=-2, keepdims=True)
    for (_, _, _, ankle), first in zip(LEGS, (0, 2), strict=True):
        _fit_foot(targets, rest, ankle, planted[..., first], planted[..., first + 1], fps)
    joints[..., 1] += _height_change(joints, paths, targets, rest, planted)[..., None]
    _place_limbs(joints, paths, targets, global_rotations(rotations), rest)
    rotations = fit_rotations(joints, rest, twist).astype(np.float32)
    root, rest = joints[..., PELVIS, :].astype(np.float32), rest.astype(np.float32)
    return Motion(
        joints=fk(rotations, root, rest[..., None, :, :]),
        rotations=rotations,
        root=root,
        rest=rest,
        contacts=(planted > 0.5).astype(np.float32),
        fps=float(fps),
    )


def _plant(feet: np.ndarray, velocities: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """Paths of the foot joints (..., T, 4, 3) that hardly move while planted, and run free between."""
    steps = np.moveaxis(np.minimum(planted[..., 1:, :], planted[..., :-1, :]), -1, 0)
    still = np.moveaxis(velocities * (1.0 - planted[..., None]), -2, 0)[..., None, :]
    positions = np.moveaxis(feet, -2, 0)[..., None, :]
    out = np.empty_like(feet)
    for axes, weight in PLANT_WEIGHTS:
        fitted = fit_paths(positions[..., axes], still[..., axes], VELOCITY_WEIGHT + weight * steps**2)
        out[..., axes] = np.moveaxis(fitted[..., 0, :], 0, -2)
    return out


def _twist(rotations: np.ndarray) -> np.ndarray:
    """Local rotations (..., T, 22, 4), smoothed, of those of joints 1 to 21."""
    smooth = rotation_from_6d(gaussian_smooth(rotation_to_6d(rotations), TWIST_SMOOTHING, axis=-3))
    root = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (*smooth.shape[:-2], 1, 4))
    return np.concatenate([root, smooth], axis=-2)


def _place_limbs(
    joints: np.ndarray, paths: np.ndarray, targets: np.ndarray, spins: np.ndarray, rest: np.ndarray
) -> None:
    """Move the limbs of joints (..., T, 22, 3) so that ankles, toes and wrists are at their targets.

    Knees and elbows stand out as on the paths.
    """
    length = np.linalg.norm(rest, axis=-1)[..., None, :]
    for _, upper, middle, end in (*LEGS, *ARMS):
        pole = _bend(paths, quat_apply(spins[..., upper, :], HINGE_AXES[middle]), (upper, middle, end))
        bones = length[..., middle], length[..., end]
        joints[..., middle, :], joints[..., end, :] = two_bone_ik(
            joints[..., upper, :], targets[..., end, :], pole, bones, SOFT_REACH
        )
        for toe in CHILDREN[end]:
            joints[..., toe, :] = joints[..., end, :] + targets[..., toe, :] - targets[..., end, :]


def _bend(paths: np.ndarray, axis: np.ndarray, limb: tuple[int, int, int]) -> np.ndarray:
    """Direction (..., T, 3) in which the middle of a limb stands out; about its hinge `axis` where it hardly does."""
    upper, middle, end = (paths[..., k, :] for k in limb)
    chain = normalise(end - upper)
    out = middle - upper
    out = out - chain * np.einsum("...i,...i->...", out, chain)[..., None]
    return gaussian_smooth(out + HINGE_SHARE * np.cross(chain, axis), BEND_SMOOTHING, axis=-2)


def _fit_foot(
    targets: np.ndarray,
    rest: np.ndarray,
    ankle: int,
    heel_stands: np.ndarray,
    ball_stands: np.ndarray,
    fps: float,
) -> None:
    """Give the foot in targets (..., T, 22, 3) its length, its standing ball first unmoved, and keep it off the ground.

    A foot that swings past clears the ground by more.
    """
    (toe,) = CHILDREN[ankle]
    length = np.linalg.norm(rest[..., toe, :], axis=-1)[..., None, None]
    foot = targets[..., toe, :] - targets[..., ankle, :]
    change = normalise(foot) * length - foot
    share = ((ball_stands + 0.05) / (ball_stands + (1.0 - ball_stands) * heel_stands + 0.1))[..., None]
    targets[..., ankle, :] -= share * change
    targets[..., toe, :] += (1.0 - share) * change
    across = np.gradient(targets[..., toe, :], axis=-2)[..., (0, 2)] * fps
    speed = gaussian_smooth(np.linalg.norm(across, axis=-1), 1.0, axis=-1)
    clear = LEAST_HEIGHT + (SWING_HEIGHT - LEAST_HEIGHT) * smoothstep(speed, *SWINGS)
    low = widest(np.maximum(clear - targets[..., toe, 1], 0.0), 1)
    targets[..., (ankle, toe), 1] += gaussian_smooth(low, LIFT_SMOOTHING, axis=-1)[..., None]
    below = LEAST_HEIGHT - np.minimum(targets[..., toe, 1], targets[..., ankle, 1] + rest[..., toe, 1, None])
    targets[..., (ankle, toe), 1] += np.maximum(below, 0.0)[..., None]


def _height_change(
    joints: np.ndarray, paths: np.ndarray, targets: np.ndarray, rest: np.ndarray, planted: np.ndarray
) -> np.ndarray:
    """How far (..., T) the body rises for its knees to bend as on the paths, with every standing foot in reach.

    A weak network makes legs too short; without this its people would all stand with their knees bent.
    """
    length = np.linalg.norm(rest, axis=-1)[..., None, :]
    wanted, weights, most = np.zeros(joints.shape[:-2]), np.zeros(joints.shape[:-2]), np.inf
    for (_, hip, knee, ankle), first in zip(LEGS, (0, 2), strict=True):
        upper, lower = length[..., knee], length[..., ankle]
        bones = normalise(paths[..., (knee, ankle), :] - paths[..., (hip, knee), :])
        cosine = np.einsum("...i,...i->...", bones[..., 0, :], bones[..., 1, :])
        bent = np.sqrt(upper**2 + lower**2 + 2.0 * upper * lower * cosine)
        apart = joints[..., hip, :] - targets[..., ankle, :]
        across = np.square(apart[..., (0, 2)]).sum(axis=-1)
        stands = planted[..., first : first + 2].max(axis=-1)
        wanted += (stands + 0.05) * (np.sqrt(np.maximum(bent**2 - across, 0.0)) - apart[..., 1])
        weights += stands + 0.05
        reach = np.sqrt(np.maximum((STANDING_REACH * (upper + lower)) ** 2 - across, 0.0)) - apart[..., 1]
        most = np.minimum(most, np.where(stands > 0.5, reach, np.inf))
    change = np.minimum(gaussian_smooth(wanted / weights, HEIGHT_SMOOTHING, axis=-1), most)
    return gaussian_smooth(np.clip(change, -MOST_CHANGE, MOST_CHANGE), HEIGHT_SMOOTHING, axis=-1)
