"""Two bodies as capsules: where they are inside each other, and how they are moved out of it.

Joints are (2, T, 22, 3) in metres at 30 fps. A bone is named by the joint at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .adjust import Limb, eased, reach, shift
from .body_points import BODY_POINTS
from .rotations import normalise
from .skeleton import (
    ARMS,
    CHILDREN,
    HEAD,
    JOINTS,
    L_ELBOW,
    L_KNEE,
    L_WRIST,
    LEGS,
    NECK,
    PARENTS,
    PELVIS,
    R_ELBOW,
    R_KNEE,
    R_WRIST,
    SPINE1,
    SPINE2,
    SPINE3,
)
from .touch import Touch

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

# Depths (m): what is left, for bodies are softer than capsules; and below which nothing more is done.
TOLERANCE, ENOUGH = 0.003, 0.006
# Rounds of pushing, and frames (a Gaussian's sigma) over which arms and bodies give way.
ROUNDS = 4
ARM_SMOOTHING = 2.0
BODY_SMOOTHING = 4.0
# The most (m) that anything moves in one round.
MOST_PUSH = 0.15
# Where less of a push than this is level, it goes from pelvis to pelvis.
LEVEL = 0.4

_TRUNK, _LEG, _ARM = 0, 1, 2
_KIND = np.full(JOINTS, _TRUNK)
_KIND[[k for arm in ARMS for k in arm[2:]]] = _ARM
_KIND[[k for leg in LEGS for k in (*leg[2:], *CHILDREN[leg[3]])]] = _LEG


@dataclass(frozen=True)
class Overlaps:
    """Pairs of bones that are inside each other: N of them, each in one frame."""

    frame: np.ndarray  # (N,) int
    bones: np.ndarray  # (2, N) int: the first person's bone and the second's
    depth: np.ndarray  # (N,) m
    along: np.ndarray  # (2, N) where on each bone, 0 at its start, 1 at its end
    normal: np.ndarray  # (N, 3) unit vector from the second person's bone to the first's


def overlaps(
    joints: np.ndarray,
    touches: Sequence[Touch] = (),
    tolerance: float = 0.0,
    girth: np.ndarray | tuple[float, float] = (1.0, 1.0),
) -> Overlaps:
    """All pairs of bones that overlap by more than `tolerance` (m), less those that `touches` bring together.

    `girth` is how many times as thick as an adult each of the two is.
    """
    ends, starts = joints[:, :, 1:], joints[:, :, PARENTS[1:]]
    radii = np.multiply.outer(girth, BONE_RADII)
    frame, first, second = _near(starts, ends, radii, max(-tolerance, 0.0))
    a, b, c, d = (
        starts[0, frame, first],
        ends[0, frame, first],
        starts[1, frame, second],
        ends[1, frame, second],
    )
    s, t = nearest_on_segments(a, b, c, d)
    between = a + s[:, None] * (b - a) - c - t[:, None] * (d - c)
    gap = np.sqrt(np.einsum("ni,ni->n", between, between))
    depth = radii[0, first] + radii[1, second] - gap
    bones = np.stack([first, second]) + 1
    keep = (depth > tolerance) & ~_intended(frame, bones, touches)
    return Overlaps(
        frame[keep], bones[:, keep], depth[keep], np.stack([s, t])[:, keep], normalise(between[keep])
    )


def _near(
    starts: np.ndarray, ends: np.ndarray, radii: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames and bones (N,) whose balls meet, of bones (2, T, 21, 3): what is apart needs no closer look."""
    middle = (0.5 * (starts + ends)).astype(np.float32)
    radius = 0.5 * np.sqrt(np.square(ends[:, :1] - starts[:, :1]).sum(axis=-1))[:, 0] + radii
    limit = np.square(radius[0][:, None] + radius[1] + 0.01 + margin).astype(np.float32)
    gap = middle[0, :, :, None, 0] - middle[1, :, None, :, 0]
    square = gap * gap
    for axis in (1, 2):
        gap = middle[0, :, :, None, axis] - middle[1, :, None, :, axis]
        square += gap * gap
    return np.nonzero(square < limit)  # type: ignore[return-value]


def _intended(frame: np.ndarray, bones: np.ndarray, touches: Sequence[Touch]) -> np.ndarray:
    """Which pairs (N,) are of the limb of a touch and of what it touches."""
    out = np.zeros(len(frame), dtype=bool)
    for touch in touches:
        during = (frame >= touch.start - touch.ramp[0]) & (frame < touch.stop + touch.ramp[1])
        own, other = bones[touch.person], bones[1 - touch.person]
        out |= during & np.isin(own, _part(touch.point)) & np.isin(other, _part(touch.on))
    return out


def _part(point: str) -> tuple[int, ...]:
    """The bones of a point's limb, or those of the trunk, shoulders and upper arms."""
    place = BODY_POINTS[point]
    for _, _, middle, end in (*ARMS, *LEGS):
        bones = (middle, end, *CHILDREN[end])
        if place.end in bones:
            return bones
    return tuple(int(k) for k in range(1, 22) if _KIND[k] == _TRUNK or k in (L_ELBOW, R_ELBOW))


def nearest_on_segments(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where segments a-b and c-d (..., 3) come nearest: shares (...) of each (Ericson 2005, 5.1.9)."""

    def dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.einsum("...i,...i->...", u, v)

    u, v, w = b - a, d - c, a - c
    uu, vv, uv, uw, vw = dot(u, u), dot(v, v), dot(u, v), dot(u, w), dot(v, w)
    uu, vv = np.maximum(uu, 1e-12), np.maximum(vv, 1e-12)
    s = np.clip((uv * vw - uw * vv) / np.maximum(uu * vv - uv * uv, 1e-12), 0.0, 1.0)
    t = np.clip((uv * s + vw) / vv, 0.0, 1.0)
    s = np.clip((uv * t - uw) / uu, 0.0, 1.0)
    return s, t


def push_out(joints: np.ndarray, touches: Sequence[Touch] = ()) -> np.ndarray:
    """Move two bodies (2, T, 22, 3) out of each other, smoothly; gives a copy, bones constant.

    Arms give way to bodies, arms to arms by half; bodies and legs part along the floor, feet stepping elsewhere.
    What `touches` bring together is left, and a touching hand stays where it is.
    """
    out = joints.astype(float)
    for _ in range(ROUNDS):
        found = overlaps(out, touches, TOLERANCE)
        if found.depth.max(initial=0.0) < ENOUGH:
            break
        _push_arms(out, found, touches)
        _push_bodies(out, found)
    return out.astype(joints.dtype)


def _push_bodies(joints: np.ndarray, found: Overlaps) -> None:
    """Part two bodies along the floor where no arm is between them, each by half."""
    mine = (_KIND[found.bones] != _ARM).all(axis=0)
    frame, normal = found.frame[mine], found.normal[mine]
    pelvis = normalise((joints[0, frame, PELVIS] - joints[1, frame, PELVIS]) * [1.0, 0.0, 1.0])
    level = normal * [1.0, 0.0, 1.0]
    share = np.linalg.norm(level, axis=-1, keepdims=True)
    direction = normalise(level + np.maximum(LEVEL - share, 0.0) * pelvis)
    move = direction * (found.depth[mine, None] - TOLERANCE) / np.maximum(share, LEVEL)
    moves = strongest(joints.shape[1], frame, move)
    if moves.any():
        smooth = 0.5 * eased(moves, BODY_SMOOTHING, MOST_PUSH)
        shift(joints, np.stack([smooth, -smooth]))


def _push_arms(joints: np.ndarray, found: Overlaps, touches: Sequence[Touch]) -> None:
    """Move arms out of the other's body, and out of the other's arms by half."""
    frames = joints.shape[1]
    kinds = _KIND[found.bones]
    for person, sign in ((0, 1.0), (1, -1.0)):
        share = np.where(kinds[1 - person] == _ARM, 0.5, 1.0) * sign * (found.depth - TOLERANCE)
        push = share[:, None] * found.normal
        for arm in ARMS:
            held = _held(frames, person, arm, touches)
            upper, lower = (found.bones[person] == bone for bone in arm[2:])
            if not (upper.any() or lower.any()):
                continue
            s = found.along[person][:, None]
            square = np.square(s) + np.square(1.0 - s)
            elbow = np.concatenate([(push / np.maximum(s, 0.3))[upper], (push * (1.0 - s) / square)[lower]])
            at = np.concatenate([found.frame[upper], found.frame[lower]])
            elbow = strongest(frames, at, elbow)
            wrist = strongest(frames, found.frame[lower], (push * s / square)[lower])
            elbow, wrist = eased(np.stack([elbow, wrist]), ARM_SMOOTHING, MOST_PUSH)
            body = joints[person]
            reach(body, arm, body[:, arm[3]] + (1.0 - held)[:, None] * wrist, elbow, tip=0.0)


def _held(frames: int, person: int, arm: Limb, touches: Sequence[Touch]) -> np.ndarray:
    """How much (T,) the hand of an arm is held by a touch."""
    out = np.zeros(frames)
    for touch in touches:
        for who, point, comes in touch.ends:
            if who == person and BODY_POINTS[point].limb == arm and comes > 0:
                span = touch.span(frames)
                out[span] = np.maximum(out[span], touch.weight(frames))
    return out


def strongest(frames: int, at: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """What vectors (N, 3) ask of each frame (T, 3): the way of the longest of them, mixed where several are as long."""
    square = np.square(vectors).sum(axis=-1)
    longest, way = np.zeros(frames), np.zeros((frames, 3))
    np.maximum.at(longest, at, square)
    np.add.at(way, at, np.square(square / np.maximum(longest[at], 1e-12))[:, None] * vectors)
    return normalise(way) * np.sqrt(longest)[:, None]
