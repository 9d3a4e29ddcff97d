"""Keys for two rigs from one motion, and a layer of corrections that keeps the two in contact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...motion.motion import Motion
from ...motion.rotations import quat_inverse, quat_multiply, quat_unroll
from ..body import body_of
from ..rig import Rig
from ..transfer import Pose, keys
from .bodies import Pair, pair_on, source_pair
from .contacts import Contact, contact_distance, find_contacts
from .solve import keep_contacts

# Bones that turn less than this (radians) in all frames need no correction.
_STILL = 1e-4


@dataclass(frozen=True)
class PairKeys:
    """Both people's keys. Made by `retarget_pair`.

    base: the motion on each rig. layer: on top of it, what keeps the contacts: rotations that come before the base's
    (base times layer), and a location that is added. contacts: those of the motion, or as given. missed: for each of
    them how far (m) it is from being kept at the worst, (before, after) the correction.
    """

    base: tuple[Pose, Pose]
    layer: tuple[Pose, Pose]
    contacts: list[Contact]
    missed: list[tuple[float, float]]


def retarget_pair(
    motion: Motion,
    rigs: tuple[Rig, Rig],
    bone_maps: tuple[dict[str, str], dict[str, str]],
    frame: np.ndarray | None = None,
    contacts: Sequence[Contact] | None = None,
) -> PairKeys:
    """Keys that play a motion on two rigs in the pair frame (4,4), and the layer that keeps their contacts."""
    contacts = find_contacts(motion) if contacts is None else list(contacts)
    bodies = tuple(
        body_of(rig, bones, motion.rest[n])
        for n, (rig, bones) in enumerate(zip(rigs, bone_maps, strict=True))
    )
    source, base = source_pair(motion), pair_on(motion, (bodies[0], bodies[1]))
    kept = keep_contacts(source, base, contacts, motion.fps, [set(body.bones) for body in bodies])

    def write(pair: Pair) -> tuple[Pose, Pose]:
        first, second = (keys(body, pair.rotations[n], pair.root[n], frame) for n, body in enumerate(bodies))
        return first, second

    before, after = write(base), write(kept)
    distances = [contact_distance(source, pair, contacts) for pair in (base, kept)]
    missed = [(float(a.max(initial=0.0)), float(b.max(initial=0.0))) for a, b in zip(*distances, strict=True)]
    return PairKeys(before, (layer_of(before[0], after[0]), layer_of(before[1], after[1])), contacts, missed)


def layer_of(base: Pose, corrected: Pose) -> Pose:
    """What turns a pose into another of the same bones: base^-1 corrected, of bones that it turns at all."""
    turn = quat_multiply(quat_inverse(base.rotations), corrected.rotations)
    turn = quat_unroll(np.where(turn[..., :1] < 0, -turn, turn), axis=0)
    moves = np.linalg.norm(turn[..., 1:], axis=-1).max(axis=0) > _STILL
    moves[0] = True
    bones = tuple(bone for bone, moved in zip(base.bones, moves, strict=True) if moved)
    return Pose(bones, turn[:, moves], corrected.location - base.location)
