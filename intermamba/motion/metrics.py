"""How good a motion is, in numbers that compare generated with captured clips. Joints are metres, Y up, floor 0."""

import numpy as np

from .kinematics import bone_vectors
from .placement import TOE_HEIGHT, facing
from .skeleton import (
    HEAD,
    L_ELBOW,
    L_FOOT,
    L_KNEE,
    L_WRIST,
    NECK,
    PARENTS,
    PELVIS,
    R_ELBOW,
    R_FOOT,
    R_KNEE,
    R_WRIST,
    SPINE1,
    SPINE2,
    SPINE3,
)

# Height over the standing toe (m) at which a foot no longer counts as on the floor (Zhang et al. 2018, MANN).
SKATE_HEIGHT = 0.025

# Radius (m) of the body around the bone that ends at a joint; a hand counts as a ball of the forearm's radius.
_RADIUS = dict.fromkeys(range(1, 22), 0.045) | {
    SPINE1: 0.10,
    SPINE2: 0.10,
    SPINE3: 0.11,
    NECK: 0.07,
    HEAD: 0.08,
    L_KNEE: 0.065,
    R_KNEE: 0.065,
    L_ELBOW: 0.04,
    R_ELBOW: 0.04,
    L_WRIST: 0.035,
    R_WRIST: 0.035,
}
BONE_RADII = np.array([_RADIUS[k] for k in range(1, 22)])


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


def penetration(joints: np.ndarray) -> float:
    """Mean over frames of how deep (m) the two bodies (2, T, 22, 3), as capsules, are in each other at the deepest."""
    joints = joints.astype(float)
    ends, starts = joints[..., 1:, :], joints[..., PARENTS[1:], :]
    gap = _segment_distance(starts[0, :, :, None], ends[0, :, :, None], starts[1, :, None], ends[1, :, None])
    depth = BONE_RADII[:, None] + BONE_RADII[None, :] - gap
    return float(np.maximum(depth.max(axis=(-1, -2)), 0.0).mean())


def _segment_distance(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Distance (...) between segments a-b and c-d (..., 3) (Ericson 2005, Real-Time Collision Detection, 5.1.9)."""

    def dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.einsum("...i,...i->...", *np.broadcast_arrays(u, v))

    u, v, w = b - a, d - c, a - c
    uu, vv, uv, uw, vw = dot(u, u), dot(v, v), dot(u, v), dot(u, w), dot(v, w)
    uu, vv = np.maximum(uu, 1e-12), np.maximum(vv, 1e-12)
    s = np.clip((uv * vw - uw * vv) / np.maximum(uu * vv - uv * uv, 1e-12), 0.0, 1.0)
    t = np.clip((uv * s + vw) / vv, 0.0, 1.0)
    s = np.clip((uv * t - uw) / uu, 0.0, 1.0)
    return np.linalg.norm(w + s[..., None] * u - t[..., None] * v, axis=-1)


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
        "hand_distance_m": float(np.median(contact_distance(joints))),
        "pelvis_distance_min_m": float(apart.min()),
        "pelvis_distance_mean_m": float(apart.mean()),
        "pelvis_distance_max_m": float(apart.max()),
        "facing_cosine": facing_partner(joints),
    }
