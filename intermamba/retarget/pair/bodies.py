"""A pair of bodies: the source's two people, or the same motion on the bodies of two rigs."""

from dataclasses import dataclass, replace

import numpy as np

from ...motion.body_points import body_point
from ...motion.kinematics import fk
from ...motion.motion import Motion
from ...motion.placement import TOE_HEIGHT
from ...motion.skeleton import FEET, NECK, SPINE1, SPINE2, SPINE3
from ..body import Body, leg_length, on_body


@dataclass(frozen=True)
class Pair:
    """Two people in one frame of reference: metres, Y up.

    rotations: (2,T,22,4) local; root: (2,T,3); rest: (2,22,3); joints: (2,T,22,3). For each person (2,) girth:
    thickness of the body over that of the source's, scale: length of the legs over the source's, sole: height of the
    toes' joints of one who stands.
    """

    rotations: np.ndarray
    root: np.ndarray
    rest: np.ndarray
    joints: np.ndarray
    girth: np.ndarray
    scale: np.ndarray
    sole: np.ndarray

    def point(
        self, person: int, name: str, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ) -> np.ndarray:
        """Where a person's point of BODY_POINTS is (T,3); a bigger body is thicker."""
        girth = self.girth[person]
        return girth * body_point(self.joints[person] / girth, name, offset)

    def moved(self, rotations: np.ndarray, root: np.ndarray) -> "Pair":
        """The same bodies in another pose."""
        return replace(self, rotations=rotations, root=root, joints=fk(rotations, root, self.rest[:, None]))


def source_pair(motion: Motion) -> Pair:
    """The motion's own two people."""
    return Pair(
        rotations=motion.rotations.astype(float),
        root=motion.root.astype(float),
        rest=motion.rest.astype(float),
        joints=motion.joints.astype(float),
        girth=np.ones(2),
        scale=np.ones(2),
        sole=np.full(2, TOE_HEIGHT),
    )


def pair_on(motion: Motion, bodies: tuple[Body, Body]) -> Pair:
    """The motion on two bodies, each with its own height, and all ways along the floor scaled alike by the mean.

    So neither drifts away from the other, and what they reach for lies half way between too far and too near.
    """
    stride = float(np.mean([body.scale for body in bodies]))
    placed = [
        on_body(motion.rotations[n], motion.root[n], motion.rest[n], body, stride)
        for n, body in enumerate(bodies)
    ]
    rotations, root = (np.stack(part) for part in zip(*placed, strict=True))
    rest = np.stack([body.rest for body in bodies])
    girth = [_size(body.rest) / _size(motion.rest[n]) for n, body in enumerate(bodies)]
    return Pair(
        rotations=rotations,
        root=root,
        rest=rest,
        joints=fk(rotations, root, rest[:, None]),
        girth=np.array(girth),
        scale=np.array([body.scale for body in bodies]),
        sole=np.array([body.ankle + body.rest[FEET[1::2], 1].mean() for body in bodies]),
    )


def _size(rest: np.ndarray) -> float:
    """Legs and back of rest offsets (22,3), in metres."""
    back = np.linalg.norm(rest[[SPINE1, SPINE2, SPINE3, NECK]], axis=-1).sum()
    return 0.5 * leg_length(rest) + float(back)
