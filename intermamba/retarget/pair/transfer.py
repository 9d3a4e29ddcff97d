"""Keys for two rigs from one motion, and a layer of corrections that keeps the two in contact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...motion.motion import Motion
from ...motion.rotations import quat_inverse, quat_multiply, quat_unroll
from ..body import Body, body_of
from ..rig import Rig
from ..transfer import Pose, keys
from .bodies import Pair, pair_on, source_pair
from .contacts import Contact, contact_distance, find_contacts
from .solve import keep_contacts

# Bones that turn less than this (radians) in all frames need no correction.
_STILL = 1e-4
# Bodies whose bones are this near (m) to the source's, contacts kept this well (m), need none at all.
_ALIKE, _KEPT = 0.01, 0.01


@dataclass(frozen=True)
class PairKeys:
    """Both people's keys. Made by `retarget_pair`.

    base: the motion on each rig. layer: what keeps the contacts and footholds, a rotation to be multiplied with the
    base's (layer times base), and a location to be added; None where the bodies are so like the motion's own that
    nothing is lost. contacts: those of the motion, or as given. missed: for each of them how far (m) it is from being
    kept at the worst, (without, with) the layer.
    """

    base: tuple[Pose, Pose]
    layer: tuple[Pose, Pose] | None
    contacts: list[Contact]
    missed: list[tuple[float, float]]

    def whole(self) -> tuple[Pose, Pose]:
        """Base and layer in one."""
        if self.layer is None:
            return self.base
        return with_layer(self.base[0], self.layer[0]), with_layer(self.base[1], self.layer[1])


def retarget_pair(
    motion: Motion,
    rigs: tuple[Rig, Rig],
    bone_maps: tuple[dict[str, str], dict[str, str]],
    frame: np.ndarray | None = None,
    contacts: Sequence[Contact] | None = None,
) -> PairKeys:
    """Keys that play a motion on two rigs in the pair frame (4,4), and the layer that keeps their contacts."""
    found = find_contacts(motion) if contacts is None else list(contacts)
    bodies = (
        body_of(rigs[0], bone_maps[0], motion.rest[0]),
        body_of(rigs[1], bone_maps[1], motion.rest[1]),
    )
    source, base = source_pair(motion), pair_on(motion, bodies)
    before, lost = _write(bodies, base, frame), _missed(source, base, found)
    if np.abs(base.rest - source.rest).max() < _ALIKE and max(lost, default=0.0) < _KEPT:
        return PairKeys(before, None, found, list(zip(lost, lost, strict=True)))
    kept = keep_contacts(source, base, found, motion.fps, [set(body.bones) for body in bodies])
    after = _write(bodies, kept, frame)
    layer = layer_of(before[0], after[0]), layer_of(before[1], after[1])
    return PairKeys(before, layer, found, list(zip(lost, _missed(source, kept, found), strict=True)))


def _write(bodies: tuple[Body, Body], pair: Pair, frame: np.ndarray | None) -> tuple[Pose, Pose]:
    first, second = (keys(body, pair.rotations[n], pair.root[n], frame) for n, body in enumerate(bodies))
    return first, second


def _missed(source: Pair, pair: Pair, contacts: Sequence[Contact]) -> list[float]:
    return [float(off.max(initial=0.0)) for off in contact_distance(source, pair, contacts)]


def layer_of(base: Pose, corrected: Pose) -> Pose:
    """What turns a pose into another of the same bones: corrected base^-1, of bones that it turns at all."""
    turn = quat_multiply(corrected.rotations, quat_inverse(base.rotations))
    turn = quat_unroll(np.where(turn[..., :1] < 0, -turn, turn), axis=0)
    moves = np.linalg.norm(turn[..., 1:], axis=-1).max(axis=0) > _STILL
    moves[0] = True
    bones = tuple(bone for bone, moved in zip(base.bones, moves, strict=True) if moved)
    return Pose(bones, turn[:, moves], corrected.location - base.location)


def with_layer(base: Pose, layer: Pose) -> Pose:
    """A pose with what layer_of gave for it."""
    rotations = base.rotations.copy()
    columns = [base.bones.index(bone) for bone in layer.bones]
    rotations[:, columns] = quat_multiply(layer.rotations, base.rotations[:, columns])
    return Pose(base.bones, quat_unroll(rotations, axis=0), base.location + layer.location)
