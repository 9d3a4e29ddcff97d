"""Places on the body's surface that another body may touch, found from joint positions alone.

Lengths are metres. Radii are those of `metrics.BONE_RADII`, and the middle of a hand lies `SKIN` outside of them.
"""

from dataclasses import dataclass

import numpy as np

from .rotations import cross, normalise
from .skeleton import (
    ARMS,
    HEAD,
    L_ANKLE,
    L_COLLAR,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    LEGS,
    MIRROR,
    NECK,
    PELVIS,
    R_COLLAR,
    R_HIP,
    SPINE1,
    SPINE2,
    SPINE3,
)

# How far the middle of the palm lies beyond the wrist, along the forearm.
HAND = 0.085
SKIN = 0.02


@dataclass(frozen=True)
class BodyPoint:
    """A place `share` of the way from joint `start` to joint `end`, and `offset` from there: left, up, forward.

    On the chest or pelvis those are that part's own directions. On a limb `offset` is outward from the chest,
    along the bone, and their cross product.
    """

    start: int
    end: int
    share: float
    offset: tuple[float, float, float]
    frame: str  # "chest", "pelvis" or "limb"
    limb: tuple[int, int, int, int] | None = None  # of ARMS or LEGS, when the point is a hand or a foot


def _points() -> dict[str, BodyPoint]:
    trunk = {
        "chest": (SPINE3, (0.0, 0.04, 0.13), "chest"),
        "belly": (SPINE2, (0.0, -0.03, 0.12), "pelvis"),
        "upper_back": (SPINE3, (0.0, 0.08, -0.12), "chest"),
        "back": (SPINE3, (0.0, -0.03, -0.13), "chest"),
        "lower_back": (SPINE1, (0.0, 0.03, -0.12), "pelvis"),
        "head": (HEAD, (0.0, 0.05, 0.11), "chest"),
        "pelvis": (PELVIS, (0.0, 0.0, 0.0), "pelvis"),
    }
    left = {
        "left_shoulder": (L_SHOULDER, L_SHOULDER, 0.0, (0.02, 0.065, 0.0), "chest"),
        "left_shoulder_blade": (SPINE3, SPINE3, 0.0, (0.08, 0.05, -0.125), "chest"),
        "waist_left": (SPINE1, SPINE1, 0.0, (0.13, 0.03, 0.02), "pelvis"),
        "left_hip": (L_HIP, L_HIP, 0.0, (0.1, -0.04, 0.0), "pelvis"),
        "left_upper_arm": (L_SHOULDER, L_ELBOW, 0.6, (0.06, 0.0, 0.0), "limb"),
        "left_elbow": (L_SHOULDER, L_ELBOW, 1.0, (0.06, 0.0, 0.0), "limb"),
        "left_forearm": (L_ELBOW, L_WRIST, 0.6, (0.055, 0.0, 0.0), "limb"),
        "left_wrist": (L_ELBOW, L_WRIST, 1.0, (0.05, 0.0, 0.0), "limb"),
        "left_hand": (L_ELBOW, L_WRIST, 1.0, (0.0, HAND, 0.0), "limb"),
        "left_knee": (L_HIP, L_KNEE, 1.0, (0.0, 0.0, 0.0), "limb"),
        "left_foot": (L_ANKLE, L_FOOT, 0.8, (0.0, 0.0, 0.0), "limb"),
    }
    limbs = {"left_hand": ARMS[0], "right_hand": ARMS[1], "left_foot": LEGS[0], "right_foot": LEGS[1]}
    out = {name: BodyPoint(joint, joint, 0.0, at, frame) for name, (joint, at, frame) in trunk.items()}
    for name, (start, end, share, (x, y, z), frame) in left.items():
        right = name.replace("left", "right")
        across = x if frame == "limb" else -x
        out[name] = BodyPoint(start, end, share, (x, y, z), frame, limbs.get(name))
        ends = int(MIRROR[start]), int(MIRROR[end])
        out[right] = BodyPoint(*ends, share, (across, y, z), frame, limbs.get(right))
    return out


BODY_POINTS = _points()


def body_point(
    joints: np.ndarray, name: str, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> np.ndarray:
    """Where a point of BODY_POINTS is (..., 3) on joints (..., 22, 3); `offset` (left, up, forward) is added to it."""
    point = BODY_POINTS[name]
    start, end = joints[..., point.start, :], joints[..., point.end, :]
    at = start + point.share * (end - start)
    x, y, z = np.add(point.offset, offset)
    if not (x or y or z):
        return at
    left, up, forward = point_frame(joints, name)
    return at + x * left + y * up + z * forward


def point_frame(joints: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three directions (..., 3) in which a point's offset is given."""
    point = BODY_POINTS[name]
    if point.frame != "limb":
        return part_frame(joints, point.frame)
    along = normalise(joints[..., point.end, :] - joints[..., point.start, :])
    out = joints[..., point.end, :] - joints[..., SPINE2, :]
    out = normalise(out - along * np.einsum("...i,...i->...", out, along)[..., None])
    return out, along, cross(out, along)


def part_frame(joints: np.ndarray, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions left, up and forward (..., 3) of the "chest" or "pelvis" of joints (..., 22, 3)."""
    left, right, low, high = (
        (L_COLLAR, R_COLLAR, SPINE3, NECK) if part == "chest" else (L_HIP, R_HIP, PELVIS, SPINE1)
    )
    up = normalise(joints[..., high, :] - joints[..., low, :])
    forward = normalise(cross(joints[..., left, :] - joints[..., right, :], up))
    return cross(up, forward), up, forward
