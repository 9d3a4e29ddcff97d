"""Bones that the motion does not know: twist bones share a limb's twist, spare bones of spine and neck its bend.

Rotations (T,3,3) are in Blender's world, from a rig's rest pose.
"""

import re
from itertools import pairwise

import numpy as np

from ..motion.rotations import (
    normalise,
    quat_apply,
    quat_between,
    quat_from_axis_angle,
    quat_from_matrix,
    quat_slerp,
    quat_to_matrix,
)
from ..motion.skeleton import ARMS, HEAD, LEGS, NECK, PARENTS, PELVIS, SPINE1, SPINE2, SPINE3
from .body import Body
from .rig import Rig
from .tree import ancestors, between

_TWIST_NAME = re.compile(r"twist|roll", re.IGNORECASE)
_BACK = (PELVIS, SPINE1, SPINE2, SPINE3, NECK, HEAD)
# Joints that carry others beside the next of the back; they keep their own rotation.
_BRANCHES = (PELVIS, SPINE3)


def extra_spins(body: Body, spins: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Bone index -> rotation (T,3,3) of the bones that share, and of the mapped ones that give some of theirs away."""
    out: dict[int, np.ndarray] = {}
    mapped = [joint for joint in _BACK if joint in body.bones]
    for joint, following in pairwise(mapped):
        out |= _share_bend(body, spins, joint, following)
    for limb in (*ARMS, *LEGS):
        for joint, following in pairwise(limb[1:]):
            if following in body.bones:
                out |= _share_twist(body, spins, joint, following, upper=joint == limb[1])
    return out


def _free_between(rig: Rig, above: int, below: int) -> list[int]:
    chain = between(rig, above, below)
    return chain if rig.free[chain].all() else []


def _share_bend(
    body: Body, spins: dict[int, np.ndarray], joint: int, following: int
) -> dict[int, np.ndarray]:
    """Turn the bones between two joints of the back step by step from one to the other; the ends keep their places."""
    rig, bone, last = body.rig, body.bones[joint], body.bones[following]
    chain = _free_between(rig, bone, last)
    if not chain:
        return {}
    first, second = (quat_from_matrix(spins[k]) for k in (joint, following))
    shares = np.arange(len(chain) + 1) / (len(chain) + 1)
    turns = [quat_slerp(first, second, np.full(len(first), share)) for share in shares]
    line = [bone, *chain] if joint not in _BRANCHES else chain
    heads, turns = rig.heads(), turns[-len(line) :]
    steps = np.diff(heads[[*line, last]], axis=0)
    reached = np.sum([quat_apply(turn, step) for turn, step in zip(turns, steps, strict=True)], axis=0)
    put_right = quat_to_matrix(quat_between(reached, quat_apply(first, steps.sum(axis=0))))
    return {k: put_right @ quat_to_matrix(turn) for k, turn in zip(line, turns, strict=True)}


def _share_twist(
    body: Body, spins: dict[int, np.ndarray], joint: int, following: int, *, upper: bool
) -> dict[int, np.ndarray]:
    """Spread a limb's twist about its bone: from none at the shoulder or hip, and to that of the hand or foot."""
    rig, bone, last = body.rig, body.bones[joint], body.bones[following]
    chain = _free_between(rig, bone, last)
    parts = {k: (n + 1) / len(chain) for n, k in enumerate(chain)}
    heads = rig.heads()
    along = heads[last] - heads[bone]
    for k in _twist_bones(body, bone):
        share = (heads[k] - heads[bone]) @ along / max(along @ along, 1e-12)
        parts.setdefault(k, float(np.clip(share, 0.0, 1.0)))
    if not parts:
        return {}
    axis = normalise(along)
    if upper:
        above = next(k for k in _joints_above(joint) if k in body.bones)
        twist = _twist(np.swapaxes(spins[above], -1, -2) @ spins[joint], axis)
        parts = {k: share - 1.0 for k, share in parts.items()} | ({bone: -1.0} if chain else {})
    else:
        twist = _twist(np.swapaxes(spins[joint], -1, -2) @ spins[following], axis)
    return {
        k: spins[joint] @ quat_to_matrix(quat_from_axis_angle(axis, share * twist))
        for k, share in parts.items()
    }


def _joints_above(joint: int) -> list[int]:
    out = []
    while joint > 0:
        joint = int(PARENTS[joint])
        out.append(joint)
    return out


def _twist_bones(body: Body, bone: int) -> list[int]:
    """Free bones named so that hang on a bone, with no mapped one between."""
    rig, mapped = body.rig, set(body.bones.values())
    out = []
    for k, name in enumerate(rig.names):
        if rig.free[k] and k not in mapped and _TWIST_NAME.search(name):
            line = ancestors(rig, k)[1:]
            if next((above for above in line if above in mapped), None) == bone:
                out.append(k)
    return out


def _twist(turn: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Angle (T,) of rotations (T,3,3) about an axis (3,), continuous: the swing-twist decomposition's twist."""
    q = quat_from_matrix(turn)
    return 2.0 * np.unwrap(np.arctan2(q[:, 1:] @ axis, q[:, 0]), period=np.pi)
