"""Putting one person's motion on a rig, whatever the rig's rest pose and proportions.

Joint directions equal the source's, and a rig with the motion's own rest offsets follows it exactly.
"""

from dataclasses import dataclass

import numpy as np

from ..motion.motion import Motion
from ..motion.rotations import quat_from_matrix, quat_unroll
from ..motion.skeleton import JOINT_NAMES, L_HIP, PELVIS, R_HIP
from .body import Z_UP, Body, body_of, heading, on_body, spins_on
from .extras import extra_spins
from .rig import Rig
from .tree import ancestors


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
    heads = rig.heads()
    frame = np.eye(4)
    frame[:3, :3] = heading({k: heads[rig.index(bone_map[JOINT_NAMES[k]])] for k in (L_HIP, R_HIP)})
    frame[:3, 3] = rig.world[:3, 3]
    return frame


def retarget(
    motion: Motion, person: int, rig: Rig, bone_map: dict[str, str], frame: np.ndarray | None = None
) -> Pose:
    """Keys for `rig` that play one person of `motion` in the pair frame (4,4), the world's origin by default.

    Paths and heights are scaled by the length of the legs, so that steps fit the rig. Two people of other proportions
    who touch each other are better put on their rigs together, by `pair.retarget_pair`.
    """
    body = body_of(rig, bone_map, motion.rest[person])
    rotations, root = on_body(motion.rotations[person], motion.root[person], motion.rest[person], body)
    return keys(body, rotations, root, frame)


def keys(body: Body, rotations: np.ndarray, root: np.ndarray, frame: np.ndarray | None = None) -> Pose:
    """Keys that bring a rig's joints where its body has them: local rotations (T,22,4) and root (T,3), Y up."""
    frame = np.eye(4) if frame is None else frame
    rig, spins = body.rig, spins_on(body, rotations)
    turns = {body.bones[joint]: spin for joint, spin in spins.items()} | extra_spins(body, spins)
    turns = {bone: frame[:3, :3] @ turn for bone, turn in turns.items()}
    first = body.bones[PELVIS]
    order = [first, *(bone for bone in turns if bone != first)]
    axes, local = rig.orientations(), np.empty((len(root), len(order), 4))
    for n, bone in enumerate(order):
        above = _keyed_above(rig, bone, turns)
        relative = turns[bone] if above is None else np.swapaxes(turns[above], -1, -2) @ turns[bone]
        local[:, n] = quat_from_matrix(axes[bone].T @ relative @ axes[bone])
    path = root @ Z_UP.T @ frame[:3, :3].T + frame[:3, 3]
    moved = (path - rig.heads()[first]) @ axes[first] / rig.scale
    return Pose(tuple(rig.names[bone] for bone in order), quat_unroll(local, axis=0), moved)


def _keyed_above(rig: Rig, bone: int, keyed: dict[int, np.ndarray]) -> int | None:
    return next((above for above in ancestors(rig, bone)[1:] if above in keyed), None)
