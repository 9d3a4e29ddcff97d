"""Putting one person's motion on a rig, whatever the rig's rest pose and proportions.

Every bone gets the rotation of its joint, after a constant one that takes the rig's rest pose to the motion's
T-pose. Joint directions then equal the source's, and a rig with the motion's own rest offsets follows it
exactly.
"""

from dataclasses import dataclass

import numpy as np

from ..motion.kinematics import global_rotations
from ..motion.motion import Motion
from ..motion.rotations import kabsch, normalise, quat_between, quat_from_matrix, quat_to_matrix, quat_unroll
from ..motion.skeleton import (
    CHILDREN,
    HEAD,
    JOINT_NAMES,
    L_ANKLE,
    L_FOOT,
    L_HIP,
    L_KNEE,
    PARENTS,
    PELVIS,
    R_ANKLE,
    R_FOOT,
    R_HIP,
    R_KNEE,
)
from .rig import Rig

# Motion has Y up and faces +Z; Blender's world has Z up and a figure faces -Y.
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

# In a standing rest pose the soles lie flat and the head looks ahead, whatever the slope of instep and neck.
_SOLES = {joint: pair for pair in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)) for joint in pair}


@dataclass(frozen=True)
class Pose:
    """Keys of one person in Blender's pose-bone basis, that is, relative to the rest pose.

    bones: N bone names, the first is the root; rotations: (T,N,4) quaternions w,x,y,z, continuous in time;
    location: (T,3) of the root bone in armature units.
    """

    bones: tuple[str, ...]
    rotations: np.ndarray
    location: np.ndarray


def pair_frame(rig: Rig, bone_map: dict[str, str]) -> np.ndarray:
    """Where the pair stands (4,4): the floor below the rig's origin, turned the way its rest pose faces.

    With the first person's frame given to both, the two keep their distance wherever the two objects are.
    """
    frame = np.eye(4)
    frame[:3, :3] = _heading(_joint_heads(rig, _joint_bones(rig, bone_map)))
    frame[:3, 3] = rig.world[:3, 3]
    return frame


def retarget(
    motion: Motion, person: int, rig: Rig, bone_map: dict[str, str], frame: np.ndarray | None = None
) -> Pose:
    """Keys for `rig` that play one person of `motion` in the pair frame (4,4), the world's origin by default.

    Paths and heights are scaled by the length of the legs, so that steps fit the rig.
    """
    frame = np.eye(4) if frame is None else frame
    bones = _joint_bones(rig, bone_map)
    heads = _joint_heads(rig, bones)
    order = sorted(bones)
    rest = motion.rest[person].astype(float) @ Z_UP.T
    turn = Z_UP @ quat_to_matrix(global_rotations(motion.rotations[person].astype(float))) @ Z_UP.T
    align = _rest_alignment(heads, rest)
    spins = {joint: frame[:3, :3] @ turn[:, joint] @ align[joint] for joint in order}

    axes = rig.orientations()
    rotations = np.empty((len(turn), len(order), 4))
    for n, joint in enumerate(order):
        above = _nearest_joint_above(rig, bones, bones[joint])
        relative = spins[joint] if above is None else np.swapaxes(spins[above], -1, -2) @ spins[joint]
        rotations[:, n] = quat_from_matrix(axes[bones[joint]].T @ relative @ axes[bones[joint]])

    path = _root_path(motion.joints[person].astype(float), heads, spins[PELVIS], frame)
    moved = (path - heads[PELVIS]) @ axes[bones[PELVIS]] / rig.scale
    names = tuple(bone_map[JOINT_NAMES[joint]] for joint in order)
    return Pose(names, quat_unroll(rotations, axis=0), moved)


def _joint_bones(rig: Rig, bone_map: dict[str, str]) -> dict[int, int]:
    """Joint index -> bone index."""
    return {JOINT_NAMES.index(joint): rig.index(bone) for joint, bone in bone_map.items()}


def _joint_heads(rig: Rig, bones: dict[int, int]) -> dict[int, np.ndarray]:
    """Joint index -> world position (3,) at rest."""
    heads = rig.heads()
    return {joint: heads[bone] for joint, bone in bones.items()}


def _nearest_joint_above(rig: Rig, bones: dict[int, int], bone: int) -> int | None:
    joints = {index: joint for joint, index in bones.items()}
    bone = int(rig.parents[bone])
    while bone >= 0 and bone not in joints:
        bone = int(rig.parents[bone])
    return joints.get(bone)


def _heading(heads: dict[int, np.ndarray]) -> np.ndarray:
    """Rotation (3,3) about the vertical from a figure that faces -Y to this rig at rest, by its hip line."""
    return _about_vertical(np.array([1.0, 0.0, 0.0]), heads[L_HIP] - heads[R_HIP])


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
    level = _heading(heads).T
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


def _root_path(
    joints: np.ndarray, heads: dict[int, np.ndarray], spin: np.ndarray, frame: np.ndarray
) -> np.ndarray:
    """World path (T,3) of the pelvis bone that brings the middle of the hips to the motion's, scaled."""
    scale = _leg_length(heads) / _leg_length(joints[0])
    hips = 0.5 * scale * (joints[:, L_HIP] + joints[:, R_HIP]) @ Z_UP.T
    middle = 0.5 * (heads[L_HIP] + heads[R_HIP]) - heads[PELVIS]
    return hips @ frame[:3, :3].T + frame[:3, 3] - spin @ middle


def _leg_length(joints: dict[int, np.ndarray] | np.ndarray) -> float:
    """Thighs and shins of both sides together, from positions by joint index."""
    bones = ((L_HIP, L_KNEE), (L_KNEE, L_ANKLE), (R_HIP, R_KNEE), (R_KNEE, R_ANKLE))
    return float(sum(np.linalg.norm(joints[b] - joints[a]) for a, b in bones))
