"""A mannequin for any SMPL-22 rest pose: one smooth skin, a visor and joint caps, with weights. numpy only.

Blender's world: metres, Z up, facing -Y, left is +X, floor at z = 0. Lengths below are those of a 1.7 m
adult and are scaled with the legs.
"""

from dataclasses import dataclass

import numpy as np

from intermamba.motion.skeleton import (
    CHILDREN,
    HEAD,
    JOINTS,
    L_ANKLE,
    L_COLLAR,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    MIRROR,
    NECK,
    PARENTS,
    PELVIS,
    R_HIP,
    SPINE1,
    SPINE2,
    SPINE3,
)

from .surface import Cone, Ellipsoid, surface_of

CELL = 0.021
BLEND = 0.04
SOFTNESS = 0.018
MOST_WEIGHTS = 4  # of one vertex, as game engines have it
ADULT_LEG = 0.805
BODY, ACCENT = 0, 1
_LEFT, _BACK, _UP = np.eye(3)


@dataclass(frozen=True)
class Skin:
    """vertices (V,3); quads (Q,4); materials (Q,), BODY or ACCENT; weights (V,22), whose rows sum to 1."""

    vertices: np.ndarray
    quads: np.ndarray
    materials: np.ndarray
    weights: np.ndarray


def build_skin(joints: np.ndarray) -> Skin:
    """The mannequin around joints (22,3) in T-pose."""
    size = np.linalg.norm(joints[L_KNEE] - joints[L_HIP]) + np.linalg.norm(joints[L_ANKLE] - joints[L_KNEE])
    size /= ADULT_LEG
    parts, accents = _torso(joints, size), [(HEAD, _visor(joints, size))]
    for left in (True, False):
        side = joints if left else joints[MIRROR]
        name = np.arange(JOINTS) if left else MIRROR
        parts += [(int(name[joint]), solid) for joint, solid in _limbs(side, size, 1.0 if left else -1.0)]
        accents += [(int(name[joint]), solid) for joint, solid in _caps(side, size)]
    vertices, quads = surface_of([solid for _, solid in parts], CELL * size, BLEND * size)
    vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
    skins = [
        Skin(
            vertices, quads, np.full(len(quads), BODY), _soft_weights(vertices, quads, parts, SOFTNESS * size)
        )
    ]
    skins += [_rigid_skin(joint, solid, CELL * size) for joint, solid in accents]
    return _joined(skins)


def _torso(joints: np.ndarray, size: float) -> list:
    hips = 0.5 * (joints[L_HIP] + joints[R_HIP])
    neck, head, chest = joints[NECK], joints[HEAD], joints[SPINE3]

    def at(origin: np.ndarray, back: float, up: float) -> np.ndarray:
        return origin + size * (back * _BACK + up * _UP)

    def flat(start: np.ndarray, end: np.ndarray, radii: tuple, depth: float) -> Cone:
        return Cone(start, end, (size * radii[0], size * radii[1]), depth, _BACK)

    return [
        (PELVIS, Ellipsoid(at(hips, 0.0, 0.055), size * np.array([0.128, 0.095, 0.09]))),
        (PELVIS, Ellipsoid(at(hips, 0.035, 0.0), size * np.array([0.11, 0.072, 0.075]))),
        (SPINE1, flat(at(hips, 0.0, 0.1), joints[SPINE2], (0.104, 0.102), 0.78)),
        (SPINE2, flat(joints[SPINE2], chest, (0.102, 0.115), 0.78)),
        (SPINE3, Ellipsoid(at(chest, -0.012, 0.035), size * np.array([0.136, 0.105, 0.16]))),
        (SPINE3, Ellipsoid(at(chest, -0.005, 0.1), size * np.array([0.165, 0.09, 0.075]))),
        (NECK, Cone(at(neck, 0.0, -0.03), at(head, 0.005, 0.03), (size * 0.052, size * 0.045))),
        (HEAD, Ellipsoid(at(head, 0.005, 0.1), size * np.array([0.079, 0.098, 0.097]))),
        (HEAD, Cone(at(head, -0.022, 0.075), at(head, -0.05, 0.022), (size * 0.064, size * 0.043))),
    ]


def _limbs(joints: np.ndarray, size: float, side: float) -> list:
    """Arm and leg of one side; `joints` are those of the left side, or mirrored ones with `side` -1."""
    collar, shoulder, elbow, wrist = (joints[k] for k in (L_COLLAR, L_SHOULDER, L_ELBOW, L_WRIST))
    hip, knee, ankle, ball = (joints[k] for k in (L_HIP, L_KNEE, L_ANKLE, L_FOOT))

    def at(origin: np.ndarray, out: float, back: float, up: float) -> np.ndarray:
        return origin + size * np.array([side * out, back, up])

    def cone(start: np.ndarray, end: np.ndarray, a: float, b: float, depth: float = 1.0) -> Cone:
        return Cone(start, end, (size * a, size * b), depth, _UP if depth < 1.0 else None)

    def ball_of(centre: np.ndarray, *half: float) -> Ellipsoid:
        return Ellipsoid(centre, size * np.array(half))

    heel = at(ankle * [1, 1, 0], 0.0, 0.028, 0.034)
    toe = np.array([ball[0], ball[1], 0.0])
    return [
        (L_COLLAR, cone(at(collar, 0.0, 0.005, 0.0), at(shoulder, -0.02, 0.0, -0.005), 0.062, 0.056)),
        (L_SHOULDER, cone(shoulder, elbow, 0.056, 0.039)),
        (L_SHOULDER, ball_of(at(shoulder, 0.012, 0.0, -0.002), 0.062, 0.058, 0.058)),
        (L_ELBOW, cone(elbow, wrist, 0.039, 0.026)),
        (L_ELBOW, ball_of(at(elbow, 0.07, 0.0, 0.0), 0.085, 0.043, 0.041)),
        (L_WRIST, cone(wrist, at(wrist, 0.07, -0.002, -0.002), 0.026, 0.037, 0.58)),
        (L_WRIST, cone(at(wrist, 0.08, -0.002, -0.003), at(wrist, 0.15, -0.002, -0.014), 0.033, 0.021, 0.5)),
        (L_WRIST, cone(at(wrist, 0.03, -0.018, -0.004), at(wrist, 0.075, -0.046, -0.014), 0.018, 0.013)),
        (L_HIP, cone(at(hip, 0.006, 0.0, 0.0), knee, 0.075, 0.05)),
        (L_HIP, ball_of(at(hip, 0.01, -0.008, -0.13), 0.07, 0.08, 0.17)),
        (L_KNEE, cone(knee, ankle, 0.051, 0.036)),
        (L_KNEE, ball_of(at(knee, 0.0, 0.02, -0.115), 0.05, 0.052, 0.115)),
        (L_ANKLE, cone(ankle, at(toe, 0.0, 0.02, 0.035), 0.04, 0.034)),
        (L_ANKLE, cone(heel, at(toe, 0.0, 0.0, 0.028), 0.036, 0.044, 0.8)),
        (L_FOOT, cone(at(toe, 0.0, 0.0, 0.024), at(toe, 0.004, -0.065, 0.02), 0.044, 0.032, 0.62)),
    ]


def _visor(joints: np.ndarray, size: float) -> Ellipsoid:
    return Ellipsoid(
        joints[HEAD] + size * np.array([0.0, -0.05, 0.098]), size * np.array([0.068, 0.055, 0.042])
    )


def _caps(joints: np.ndarray, size: float) -> list:
    """Joints of one side that stand out, as on an artist's lay figure."""
    return [
        (L_ELBOW, Ellipsoid(joints[L_ELBOW], np.full(3, 0.054 * size))),
        (
            L_KNEE,
            Ellipsoid(
                joints[L_KNEE] + size * np.array([0, -0.002, 0]), size * np.array([0.067, 0.069, 0.066])
            ),
        ),
    ]


def _rigid_skin(joint: int, solid: Ellipsoid, cell: float) -> Skin:
    vertices, quads = surface_of([solid], cell, 1e-3)
    weights = np.zeros((len(vertices), JOINTS))
    weights[:, joint] = 1.0
    return Skin(vertices, quads, np.full(len(quads), ACCENT), weights)


def _soft_weights(vertices: np.ndarray, quads: np.ndarray, parts: list, softness: float) -> np.ndarray:
    """Weights by nearness to the solids of each joint, shared among the nearest joint and its neighbours in
    the tree."""
    distance = np.full((len(vertices), JOINTS), np.inf)
    for joint, solid in parts:
        distance[:, joint] = np.minimum(distance[:, joint], solid.distance(vertices))
    allowed = np.eye(JOINTS, dtype=bool)
    for joint in range(JOINTS):
        allowed[joint, list(CHILDREN[joint])] = True
        allowed[joint, PARENTS[joint]] = joint > 0
    nearest = distance.argmin(axis=1)
    gap = np.where(allowed[nearest], distance - distance.min(axis=1, keepdims=True), np.inf)
    weights = np.exp(-gap / softness)
    for _ in range(3):
        weights = _smoothed(weights, quads)
    least = np.sort(weights, axis=1)[:, -MOST_WEIGHTS, None]
    weights = np.where(weights >= least, weights, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _smoothed(values: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Each vertex's values averaged with its neighbours'."""
    total, count = values.copy(), np.ones((len(values), 1))
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):
        np.add.at(total, quads[:, a], values[quads[:, b]])
        np.add.at(count, quads[:, a], 1.0)
    return total / count


def _joined(skins: list[Skin]) -> Skin:
    starts = np.cumsum([0] + [len(skin.vertices) for skin in skins])
    return Skin(
        np.concatenate([skin.vertices for skin in skins]),
        np.concatenate([skin.quads + start for skin, start in zip(skins, starts, strict=False)]),
        np.concatenate([skin.materials for skin in skins]),
        np.concatenate([skin.weights for skin in skins]),
    )
