"""Small changes to a whole body that keep its bones: a hand or foot reaches, the spine leans, the body gives way.

All work on positions, joints (..., T, 22, 3) in metres at 30 fps, and change them in place. The rotations follow from
`kinematics.fit_rotations` with the old ones as its hint.
"""

import numpy as np

from .body_points import HAND, part_frame
from .features import CONTACT_HEIGHTS
from .filters import fit_paths, gaussian_smooth, smoothstep
from .ik import two_bone_ik
from .rotations import normalise, quat_apply, quat_between, quat_from_axis_angle
from .skeleton import (
    CHILDREN,
    FEET,
    JOINTS,
    L_HIP,
    L_SHOULDER,
    LEGS,
    PARENTS,
    PELVIS,
    R_HIP,
    SPINE1,
    SPINE2,
    SPINE3,
)

# A limb whose middle stands out less than this (m) is straight, and bends to its natural side.
NATURAL_BEND = 0.03
# Shares of its length below which a limb is folded, and above which it is not.
FOLDED = (0.15, 0.45)
# Share of a leg's length that is given out softly, and the extension to which the body's height keeps it.
SOFT_LEG = 0.01
LEG_REACH = 0.995
# Below the first speed (m/s) a foot stands fully, above the second not at all; and the weight that holds it.
STANDS = (0.2, 0.5)
STANCE_WEIGHT = 3000.0
# Frames (a Gaussian's sigma) over which the body changes its height for its legs.
HEIGHT_SMOOTHING = 3.0
MOST_DOWN = 0.1

Limb = tuple[int, int, int, int]


def _below(joint: int) -> list[int]:
    """The joint and all that hang on it."""
    out = [joint]
    for k in range(joint + 1, JOINTS):
        if PARENTS[k] in out:
            out.append(k)
    return out


_UPPER_BODY = {joint: _below(joint) for joint in (SPINE1, SPINE2, SPINE3)}
_NOT_LEGS = [L_HIP, R_HIP, *_UPPER_BODY[SPINE1]]


def length(joints: np.ndarray, joint: int) -> np.ndarray:
    """Length (..., 1) of the bone that ends at a joint, one for all frames."""
    bone = joints[..., 0, joint, :] - joints[..., 0, PARENTS[joint], :]
    return np.sqrt(np.einsum("...i,...i->...", bone, bone))[..., None]


def limb_reach(joints: np.ndarray, limb: Limb) -> np.ndarray:
    """How far (..., 1) in metres the middle of a hand, or the ankle, can be from shoulder or hip."""
    _, _, middle, end = limb
    return length(joints, middle) + length(joints, end) + (0.0 if limb in LEGS else HAND)


def reach(
    joints: np.ndarray,
    limb: Limb,
    target: np.ndarray,
    push: np.ndarray | float = 0.0,
    *,
    tip: float,
    soft: float = 0.0,
) -> None:
    """Bring the end of a limb to `target` (..., T, 3), or as near as its bones allow; the foot keeps its slope.

    The end is the wrist or ankle, or lies `tip` (m) beyond it along the forearm or shin. Elbow or knee goes on
    standing out to the side where it was, turned as the limb turns, after being moved by `push` (..., T, 3).
    """
    _, upper, middle, end = limb
    bones = length(joints, middle), length(joints, end)
    start, elbow, old_end = (joints[..., k, :] for k in (upper, middle, end))
    beyond = (tip / bones[1])[..., None]
    old = old_end + beyond * (old_end - elbow)
    pole = _pole(joints, limb, old - start, target - start) + push
    elbow, hand = two_bone_ik(start, target, pole, (bones[0], bones[1] + tip), soft)
    moved = (hand + beyond * elbow) / (1.0 + beyond) - old_end
    joints[..., middle, :] = elbow
    for k in (end, *CHILDREN[end]):
        joints[..., k, :] += moved


def _pole(joints: np.ndarray, limb: Limb, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Where (..., T, 3) from shoulder or hip the elbow or knee is to be, when the line to the end goes from old to new.

    It turns with the line. A folded limb's line may point anywhere, and there it stays.
    """
    _, upper, middle, _ = limb
    left, up, forward = part_frame(joints, "pelvis" if limb in LEGS else "chest")
    outward = left if upper in (L_HIP, L_SHOULDER) else -left
    natural = forward if limb in LEGS else 0.5 * outward - up - 0.3 * forward
    pole = joints[..., middle, :] - joints[..., upper, :]
    chain = normalise(old)
    out = pole - chain * np.einsum("...i,...i->...", pole, chain)[..., None]
    pole = pole + np.maximum(NATURAL_BEND - np.linalg.norm(out, axis=-1, keepdims=True), 0.0) * natural
    shorter = np.sqrt(np.minimum(np.square(old).sum(axis=-1), np.square(new).sum(axis=-1)))
    turns = smoothstep(shorter / limb_reach(joints, limb), *FOLDED)[..., None]
    return pole + turns * (quat_apply(quat_between(old, new), pole) - pole)


def lean(joints: np.ndarray, turn: np.ndarray) -> None:
    """Bend bodies by rotation vectors `turn` (..., T, 3): half at the hips, a sixth at each joint of the spine.

    The ankles stay where they are.
    """
    angle = np.linalg.norm(turn, axis=-1)
    half, sixth = (quat_from_axis_angle(turn, angle / share)[..., None, :] for share in (2.0, 6.0))
    for joint in (SPINE3, SPINE2, SPINE1):
        _turn(joints, _UPPER_BODY[joint], joint, sixth)
    before = joints[..., (L_HIP, R_HIP), :]
    _turn(joints, _NOT_LEGS, PELVIS, half)
    for leg, hip in zip(LEGS, np.moveaxis(before, -2, 0), strict=True):
        moved, ankle = joints[..., leg[1], :] - hip, joints[..., leg[3], :].copy()
        for k in (*leg[2:], *CHILDREN[leg[3]]):
            joints[..., k, :] += moved
        reach(joints, leg, ankle, tip=0.0, soft=SOFT_LEG)


def _turn(joints: np.ndarray, part: list[int], about: int, q: np.ndarray) -> None:
    pivot = joints[..., about, None, :].copy()
    joints[..., part, :] = pivot + quat_apply(q, joints[..., part, :] - pivot)


def shift(joints: np.ndarray, move: np.ndarray) -> None:
    """Move bodies by `move` (..., T, 3); feet that stand stay, or go elsewhere in their steps, and the legs follow.

    Where legs are too short for that the body comes down a little.
    """
    places = joints[..., FEET[::2], :] + _foot_moves(joints, move)
    down = _too_far(joints, move, places)
    joints += move[..., None, :]
    joints[..., 1] -= down[..., None]
    for side, leg in enumerate(LEGS):
        reach(joints, leg, places[..., side, :], tip=0.0, soft=SOFT_LEG)


def standing(joints: np.ndarray, fps: float = 30.0) -> np.ndarray:
    """How much each foot stands, 0 to 1 (..., T, 2): its ankle or its ball is low and hardly moves."""
    out = np.zeros((*joints.shape[:-2], 2))
    for feet, height in ((FEET[::2], CONTACT_HEIGHTS[0]), (FEET[1::2], CONTACT_HEIGHTS[1])):
        path = joints[..., feet, :]
        speed = np.linalg.norm(np.gradient(path, axis=-3), axis=-1) * fps
        low = smoothstep(path[..., 1], height + 0.04, height + 0.01)
        out = np.maximum(out, low * smoothstep(speed, STANDS[1], STANDS[0]))
    return out


def _foot_moves(joints: np.ndarray, move: np.ndarray) -> np.ndarray:
    """How the feet move (..., T, 2, 3) when bodies move by `move`: with them in steps, not at all while they stand."""
    stands = np.moveaxis(standing(joints), -1, 0)
    wanted = np.broadcast_to((move * [1.0, 0.0, 1.0])[..., None, :], (2, *move.shape[:-1], 1, 3))
    weights = STANCE_WEIGHT * np.minimum(stands[..., 1:], stands[..., :-1]) ** 2
    return np.moveaxis(fit_paths(wanted, np.zeros_like(wanted), weights)[..., 0, :], 0, -2)


def _too_far(joints: np.ndarray, move: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How far (..., T) bodies that move must come down for their ankles to be at `places` (..., T, 2, 3), smooth."""
    needed = np.zeros(joints.shape[:-2])
    for side, leg in enumerate(LEGS):
        before = joints[..., leg[1], :] - joints[..., leg[3], :]
        apart = joints[..., leg[1], :] + move - places[..., side, :]
        most = np.maximum(LEG_REACH * limb_reach(joints, leg), np.linalg.norm(before, axis=-1))
        height = np.sqrt(np.maximum(most**2 - np.square(apart[..., (0, 2)]).sum(axis=-1), 0.0))
        needed = np.maximum(needed, apart[..., 1] - height)
    return gaussian_smooth(widest(np.minimum(needed, MOST_DOWN), 3), HEIGHT_SMOOTHING, -1)


def widest(values: np.ndarray, frames: int) -> np.ndarray:
    """The largest of values (..., T) within so many frames either way."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(frames, frames)], mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * frames + 1, axis=-1).max(axis=-1)


def eased(vectors: np.ndarray, sigma: float, most: float) -> np.ndarray:
    """Vectors (..., T, 3) made smooth in time (a Gaussian's sigma, in frames) and nowhere much shorter than they were.

    None is longer than `most`.
    """
    size = np.minimum(np.linalg.norm(vectors, axis=-1), most)
    direction = normalise(gaussian_smooth(vectors, sigma, -2))
    return direction * gaussian_smooth(widest(size, round(2.0 * sigma)), sigma, -1)[..., None]
