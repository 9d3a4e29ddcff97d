"""A rig as a body of the motion's own skeleton: its proportions in the T-pose, and the turn from its rest pose to that.

Every mapped bone gets the rotation of its joint, after a constant one that takes the rig's rest pose to the motion's
T-pose. The rig's joints are then the forward kinematics of the motion's rotations on the body's rest offsets.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..motion.kinematics import fk, global_rotations
from ..motion.placement import TOE_HEIGHT
from ..motion.rotations import kabsch, normalise, quat_apply, quat_between, quat_multiply, quat_to_matrix
from ..motion.skeleton import (
    CHILDREN,
    HEAD,
    JOINT_NAMES,
    JOINTS,
    L_ANKLE,
    L_FOOT,
    L_HIP,
    LEGS,
    PARENTS,
    PELVIS,
    R_ANKLE,
    R_FOOT,
    R_HIP,
)
from .rig import Rig

# Motion has Y up and faces +Z; Blender's world has Z up and a figure faces -Y.
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

# In a standing rest pose the soles lie flat and the head looks ahead, whatever the slope of instep and neck.
_SOLES = {joint: pair for pair in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)) for joint in pair}
# A rig whose toe joint (else its ankle) is this high (m of an adult) above its origin stands there on the floor.
_TOE_HEIGHTS, _ANKLE_HEIGHTS = (0.005, 0.05), (0.04, 0.16)
# Of two feet the lower one carries; both do within this height (m).
_CARRIES = 0.02


@dataclass(frozen=True)
class Body:
    """One rig as a body. Made by `body_of`.

    bones: joint index -> bone index; align: joint index -> rotation (3,3), in Blender's world, from the rig's rest pose
    to the T-pose; rest: (22,3) offsets in metres, Y up; ankle: height (m) of the ankles of one who stands; scale:
    length of the legs over that of the motion's own.
    """

    rig: Rig
    bones: dict[int, int]
    align: dict[int, np.ndarray]
    rest: np.ndarray
    ankle: float
    scale: float


def body_of(rig: Rig, bone_map: dict[str, str], rest: np.ndarray) -> Body:
    """The body of a rig, for motions of one whose rest offsets (22,3) in the T-pose are given."""
    rest = rest.astype(float)
    bones = {JOINT_NAMES.index(joint): rig.index(bone) for joint, bone in bone_map.items()}
    heads = {joint: rig.heads()[bone] for joint, bone in bones.items()}
    align = _rest_alignment(heads, rest @ Z_UP.T)
    scale = _leg_length(heads) / leg_length(rest)
    return Body(
        rig=rig,
        bones=bones,
        align=align,
        rest=_offsets(heads, align, scale * rest),
        ankle=_standing_ankle(rig, heads, scale, rest),
        scale=scale,
    )


def on_body(
    rotations: np.ndarray, root: np.ndarray, rest: np.ndarray, body: Body, stride: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One person's local rotations (T,22,4) and root (T,3) for a body, from those on rest offsets (22,3).

    Heights are scaled by the legs, paths along the floor by `stride`, as the legs by default. The foot that carries is
    as high above the floor as it was, so that other shins or soles stand on it too.
    """
    stride = body.scale if stride is None else stride
    turns = _merged(rotations.astype(float), body)
    source = fk(rotations.astype(float), root.astype(float), rest.astype(float))
    hips = 0.5 * (source[:, L_HIP] + source[:, R_HIP]) * [stride, body.scale, stride]
    middle = 0.5 * (body.rest[L_HIP] + body.rest[R_HIP])
    moved = hips - quat_apply(turns[:, PELVIS], middle)
    feet = [leg[3] for leg in LEGS]
    ankles = fk(turns, moved, body.rest)[:, feet, 1] - body.ankle
    clear = source[:, feet, 1] - standing_ankle(rest)
    carries = np.exp(-(clear - clear.min(axis=1, keepdims=True)) / _CARRIES)
    lift = (carries * (body.scale * clear - ankles)).sum(axis=1) / carries.sum(axis=1)
    return turns, moved + lift[:, None] * [0.0, 1.0, 0.0]


def spins_on(body: Body, rotations: np.ndarray) -> dict[int, np.ndarray]:
    """Joint -> rotation (T,3,3), in Blender's world, from the rig's rest pose to local rotations (T,22,4)."""
    turn = Z_UP @ quat_to_matrix(global_rotations(rotations)) @ Z_UP.T
    return {joint: turn[:, joint] @ body.align[joint] for joint in sorted(body.bones)}


def standing_ankle(rest: np.ndarray) -> float:
    """Height (m) of the ankles of rest offsets (22,3) that stand flat."""
    return TOE_HEIGHT - 0.5 * float(rest[L_FOOT, 1] + rest[R_FOOT, 1])


def leg_length(rest: np.ndarray) -> float:
    """Thighs and shins of both sides together, of rest offsets (22,3)."""
    return float(sum(np.linalg.norm(rest[k]) for leg in LEGS for k in leg[2:]))


def heading(heads: dict[int, np.ndarray]) -> np.ndarray:
    """Rotation (3,3) about the vertical from a figure that faces -Y to this rig at rest, by its hip line."""
    return _about_vertical(np.array([1.0, 0.0, 0.0]), heads[L_HIP] - heads[R_HIP])


def _leg_length(heads: dict[int, np.ndarray]) -> float:
    return float(sum(np.linalg.norm(heads[b] - heads[a]) for leg in LEGS for a, b in pairwise(leg[1:])))


def _offsets(heads: dict[int, np.ndarray], align: dict[int, np.ndarray], rest: np.ndarray) -> np.ndarray:
    """Rest offsets (22,3) of mapped joints as the rig has them, of the others those of `rest`."""
    out = rest.copy()
    out[PELVIS] = 0.0
    for joint in sorted(heads):
        above = _mapped_above(joint, heads)
        if above is None:
            continue
        out[joint] = align[above] @ (heads[joint] - heads[above]) @ Z_UP
        passed = int(PARENTS[joint])
        while passed != above:
            out[joint] -= out[passed]
            passed = int(PARENTS[passed])
    return out


def _merged(rotations: np.ndarray, body: Body) -> np.ndarray:
    """Local rotations (T,22,4) whose joints that the rig lacks do not turn; what is below them turns for them."""
    out = rotations.copy()
    for joint in range(1, JOINTS):
        if joint not in body.bones:
            for child in CHILDREN[joint]:
                out[:, child] = quat_multiply(out[:, joint], out[:, child])
            out[:, joint] = [1.0, 0.0, 0.0, 0.0]
    return out


def _standing_ankle(rig: Rig, heads: dict[int, np.ndarray], scale: float, rest: np.ndarray) -> float:
    """Height (m) of the ankles of a rig that stands; the floor is at its origin if its feet are near that."""
    sides = [(ankle, toe) for ankle, toe in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)) if toe in heads]
    if not sides:
        ankle = 0.5 * float(heads[L_ANKLE][2] + heads[R_ANKLE][2]) - rig.world[2, 3]
        low, high = _ANKLE_HEIGHTS
        return ankle if low * scale < ankle < high * scale else scale * standing_ankle(rest)
    toe = float(np.mean([heads[toe][2] for _, toe in sides])) - rig.world[2, 3]
    drop = float(np.mean([heads[ankle][2] - heads[toe][2] for ankle, toe in sides]))
    low, high = _TOE_HEIGHTS
    return drop + (toe if low * scale < toe < high * scale else scale * TOE_HEIGHT)


def _about_vertical(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation (3,3) about Z that turns the level part of one direction to that of another."""
    (sx, sy), (tx, ty) = source[:2], target[:2]
    angle = np.arctan2(sx * ty - sy * tx, sx * tx + sy * ty)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _rest_alignment(heads: dict[int, np.ndarray], rest: np.ndarray) -> dict[int, np.ndarray]:
    """For every mapped joint the rotation (3,3) from the rig's rest pose, in the world, to the motion's.

    Bones are aimed one after another from the root, each by the least turn that is left after its parent's:
    twist is kept. Joints with several bones below them (pelvis, chest) take the best fit of all; those with
    none follow.
    """
    source = _rest_positions(rest)
    level = heading(heads).T
    align: dict[int, np.ndarray] = {}
    for joint in sorted(heads):
        if joint == HEAD:
            align[joint] = level
        elif joint in _SOLES and all(end in heads for end in _SOLES[joint]):
            ankle, toe = _SOLES[joint]
            align[joint] = _about_vertical(heads[toe] - heads[ankle], source[toe] - source[ankle])
        else:
            above, below = _mapped_above(joint, heads), _mapped_below(joint, heads)
            before = level if above is None else align[above]
            mine = np.array([heads[k] - heads[joint] for k in below]).reshape(-1, 3) @ before.T
            align[joint] = _aim(mine, source[below] - source[joint]) @ before
    return align


def _aim(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least rotation (3,3) that turns N directions (N,3) onto others, as well as they allow."""
    if len(source) == 0:
        return np.eye(3)
    if len(source) == 1:
        return quat_to_matrix(quat_between(source[0], target[0]))
    return kabsch(normalise(source), normalise(target))


def _rest_positions(rest: np.ndarray) -> np.ndarray:
    positions = rest.copy()
    for joint in range(1, len(rest)):
        positions[joint] += positions[PARENTS[joint]]
    return positions


def _mapped_above(joint: int, mapped: dict[int, np.ndarray]) -> int | None:
    above = int(PARENTS[joint])
    while above >= 0 and above not in mapped:
        above = int(PARENTS[above])
    return above if above >= 0 else None


def _mapped_below(joint: int, mapped: dict[int, np.ndarray]) -> list[int]:
    """The nearest mapped joints below, through any that the rig lacks."""
    below: list[int] = []
    for child in CHILDREN[joint]:
        below += [child] if child in mapped else _mapped_below(child, mapped)
    return below
