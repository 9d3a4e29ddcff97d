"""How good a motion is, in numbers that compare generated with captured clips. Joints are metres, Y up, floor 0."""

from collections.abc import Sequence

import numpy as np

from .body_points import body_point
from .collide import overlaps
from .kinematics import bone_vectors
from .placement import TOE_HEIGHT, facing
from .skeleton import L_FOOT, L_WRIST, PELVIS, R_FOOT, R_WRIST
from .touch import Touch

# Height over the standing toe (m) at which a foot no longer counts as on the floor (Zhang et al. 2018, MANN).
SKATE_HEIGHT = 0.025


def foot_skate(joints: np.ndarray, fps: float) -> float:
    """Mean horizontal speed (cm/s) of the balls of the feet of (..., T, 22, 3), weighted by nearness to the floor.

    The weight is 2 - 2^(h / H), h the height over a standing toe and H 2.5 cm (Zhang et al. 2018, MANN). It sees
    only the ball of the foot, so that a turn on it is not a slide. 0 when no foot is ever near the floor.
    """
    toes = joints[..., (L_FOOT, R_FOOT), :].astype(float)
    speed = np.linalg.norm(np.diff(toes[..., (0, 2)], axis=-3), axis=-1) * fps * 100.0
    height = 0.5 * (toes[..., 1:, :, 1] + toes[..., :-1, :, 1]) - TOE_HEIGHT
    weight = np.clip(2.0 - 2.0 ** (height / SKATE_HEIGHT), 0.0, 1.0)
    return float((speed * weight).sum() / max(weight.sum(), 1e-9))


def bone_length_cv(joints: np.ndarray) -> float:
    """Largest coefficient of variation over time of any bone's length in joints (..., T, 22, 3)."""
    length = np.linalg.norm(bone_vectors(joints.astype(float))[..., 1:, :], axis=-1)
    return float((length.std(axis=-2) / np.maximum(length.mean(axis=-2), 1e-9)).max())


def jitter(joints: np.ndarray, fps: float) -> float:
    """Mean jerk (m/s^3) of all joints (..., T, 22, 3), the third difference over time (Yi et al. 2021)."""
    jerk = np.diff(joints.astype(float), n=3, axis=-3) * fps**3
    return float(np.linalg.norm(jerk, axis=-1).mean())


def penetration_depth(
    joints: np.ndarray, touches: Sequence[Touch] = (), girth: np.ndarray | tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """How deep (T,) in metres two bodies (2, T, 22, 3), as capsules, are in each other at the deepest.

    What a touch brings together, its limb and the part that it touches, does not count in the frames of the touch.
    `girth` is how many times as thick as an adult each of the two is.
    """
    found = overlaps(joints.astype(float), touches, 0.0, girth)
    depth = np.zeros(joints.shape[1])
    np.maximum.at(depth, found.frame, found.depth)
    return depth


def penetration(joints: np.ndarray) -> float:
    """Mean over frames of how deep (m) the two bodies (2, T, 22, 3), as capsules, are in each other at the deepest."""
    return float(penetration_depth(joints).mean())


def come_within(joints: np.ndarray, distance: float) -> bool:
    """Whether two bodies (2, T, 22, 3), as capsules, are ever less than `distance` (m) apart."""
    return len(overlaps(joints.astype(float), tolerance=-distance).frame) > 0


def hands_apart(joints: np.ndarray) -> float:
    """The least distance (m) of a hand of one to a hand of the other; joints (2, T, 22, 3)."""
    hands = np.stack([body_point(joints.astype(float), hand) for hand in ("left_hand", "right_hand")])
    return float(np.linalg.norm(hands[:, None, 0] - hands[None, :, 1], axis=-1).min())


def jerk_percentile(joints: np.ndarray, fps: float, percent: float = 99.9) -> float:
    """Percentile over frames and joints of the jerk (m/s^3) of joints (..., T, 22, 3): the sharpest pops."""
    jerk = np.diff(joints.astype(float), n=3, axis=-3) * fps**3
    return float(np.percentile(np.linalg.norm(jerk, axis=-1), percent))


def contact_distance(joints: np.ndarray) -> np.ndarray:
    """Distance (T,) in metres from the nearest wrist of either person (2, T, 22, 3) to a joint of the other."""
    joints = joints.astype(float)
    wrists = joints[:, :, (L_WRIST, R_WRIST), None, :]
    return np.linalg.norm(wrists - joints[::-1, :, None], axis=-1).min(axis=(0, 2, 3))


def pelvis_distance(joints: np.ndarray) -> np.ndarray:
    """Horizontal distance (T,) in metres between the two pelvises of (2, T, 22, 3)."""
    return np.linalg.norm(np.diff(joints[:, :, PELVIS, ::2].astype(float), axis=0)[0], axis=-1)


def facing_partner(joints: np.ndarray) -> float:
    """Mean cosine, over both people of (2, T, 22, 3), between where one faces and where the partner is."""
    yaw = facing(joints.astype(float))
    to_other = (joints[::-1, :, PELVIS] - joints[:, :, PELVIS])[..., ::2].astype(float)
    to_other /= np.maximum(np.linalg.norm(to_other, axis=-1, keepdims=True), 1e-9)
    return float((np.sin(yaw) * to_other[..., 0] + np.cos(yaw) * to_other[..., 1]).mean())


def summary(joints: np.ndarray, fps: float) -> dict[str, float]:
    """The figures of a pair (2, T, 22, 3) by name, the unit at the end of each name."""
    apart = pelvis_distance(joints)
    return {
        "foot_skate_cm_s": foot_skate(joints, fps),
        "jitter_m_s3": jitter(joints, fps),
        "bone_length_cv": bone_length_cv(joints),
        "penetration_cm": 100.0 * penetration(joints),
        "penetration_95_cm": 100.0 * float(np.percentile(penetration_depth(joints), 95)),
        "jerk_999_m_s3": jerk_percentile(joints, fps),
        "hand_distance_m": float(np.median(contact_distance(joints))),
        "pelvis_distance_min_m": float(apart.min()),
        "pelvis_distance_mean_m": float(apart.mean()),
        "pelvis_distance_max_m": float(apart.max()),
        "facing_cosine": facing_partner(joints),
    }
