"""Contacts between two people: which there are, and how bodies are changed so that they are real."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import IntermambaError
from .adjust import Limb, eased, lean, limb_reach, reach, shift
from .body_points import BODY_POINTS, HAND, body_point, part_frame
from .filters import minimum_jerk
from .rotations import cross, normalise
from .skeleton import ARMS, L_SHOULDER, LEGS, PELVIS, SPINE1, SPINE2, SPINE3

# Share of an arm's length beyond which the body comes to help, and the last share, which is given out softly; the
# most that the body leans (radians) and moves (m).
EASY_REACH = 0.97
SOFT_REACH = 0.02
MOST_LEAN = np.radians(20.0)
MOST_SHIFT = 0.25
# What is missing less than this (m) is left missing.
NEAR_ENOUGH = 0.003
# A body comes down to reach what is low, but no higher than it stands.
MOST_CROUCH = 0.2
# Frames (a Gaussian's sigma) over which it leans and moves.
BODY_SMOOTHING = 4.0
# Where a lean bends the body, as often as its share counts.
_BENDS = [PELVIS, PELVIS, PELVIS, SPINE1, SPINE2, SPINE3]


@dataclass(frozen=True)
class Touch:
    """One person's point touches a point of the other: names of `body_points.BODY_POINTS`.

    Contact is full in frames `start` to `stop` - 1, and comes and goes over `ramp` frames before and after.
    `share` is how much of the way the other's hand or foot comes too; what is neither stays where it is.
    `gap` (m) is left between the points. `offset` (left, up, forward, m) moves the target, in the directions of the
    part `on`. `elbow` (outward, up, forward of the own chest, m) is where the reaching elbow is drawn to.
    """

    person: int
    point: str
    on: str
    start: int
    stop: int
    ramp: tuple[int, int] = (8, 9)
    share: float = 0.5
    gap: float = 0.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    elbow: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name in (self.point, self.on):
            if name not in BODY_POINTS:
                raise IntermambaError(
                    f"{name} is no point of a body: choose one of {', '.join(BODY_POINTS)}."
                )
        if self.person not in (0, 1) or not self.start < self.stop:
            raise IntermambaError(
                f"A touch needs person 0 or 1 and a start before its stop; it has {self.person}, "
                f"{self.start} and {self.stop}."
            )

    @property
    def ends(self) -> tuple[tuple[int, str, float], tuple[int, str, float]]:
        """Person, point, and share of the way that each of the two comes."""
        comes = self.share if BODY_POINTS[self.on].limb else 0.0
        return (self.person, self.point, 1.0 - comes), (1 - self.person, self.on, comes)

    @property
    def limbs(self) -> set[tuple[int, str]]:
        """The hands and feet, each with its person, that it brings together or somewhere."""
        return {(person, name) for person, name, _ in self.ends if BODY_POINTS[name].limb}

    def span(self, frames: int) -> slice:
        """The frames in which it changes anything."""
        return slice(max(self.start - self.ramp[0], 0), min(self.stop + self.ramp[1], frames))

    def weight(self, frames: int) -> np.ndarray:
        """How full the contact is, 0 to 1, in the frames of its span."""
        t = np.arange(frames)[self.span(frames)]
        into, out = (max(ramp, 1) for ramp in self.ramp)
        return minimum_jerk(np.minimum((t - self.start) / into, (self.stop - 1 - t) / out) + 1.0)


def keep_touches(joints: np.ndarray, touches: Sequence[Touch]) -> np.ndarray:
    """Change joints (2, T, 22, 3) so that the touches are real; gives a copy, bones constant, feet where they were.

    Arms (or legs) reach; where they are too short the spine leans up to 20 degrees, then the body moves a little.
    A later touch of the same limb has the last word. Rotations: `fit_rotations(out, rest, twist_hint=old)`.
    """
    out = joints.astype(float)
    if touches:
        _lean_in(out, touches)
        _move_in(out, touches)
    for touch in touches:
        _make(out, touch)
    return out.astype(joints.dtype)


def touch_distance(joints: np.ndarray, touch: Touch) -> np.ndarray:
    """How far (m) the points are from where they belong, in every frame of full contact (stop - start,)."""
    during = joints[:, max(touch.start, 0) : touch.stop].astype(float)
    a, b = _places(during, touch)
    return np.abs(np.linalg.norm(a - b, axis=-1) - touch.gap)


def _places(joints: np.ndarray, touch: Touch) -> tuple[np.ndarray, np.ndarray]:
    own = body_point(joints[touch.person], touch.point)
    return own, body_point(joints[1 - touch.person], touch.on, touch.offset)


def _anchor(joints: np.ndarray, point: str) -> np.ndarray:
    """The shoulder or hip (T, 3) that a hand or foot hangs on; the point itself when it is neither."""
    limb = BODY_POINTS[point].limb
    return joints[:, limb[1]] if limb else body_point(joints, point)


def _goals(joints: np.ndarray, touch: Touch) -> tuple[np.ndarray, np.ndarray]:
    """Where the two points (T, 3) should be: as near to `share` of the way as both limbs reach, `gap` apart."""
    own, other = _places(joints, touch)
    ends = touch.ends
    meet = own + ends[0][2] * (other - own)
    anchors = [_anchor(joints[person], point) for person, point, _ in ends]
    if ends[1][2] > 0:
        for _ in range(4):
            for (person, point, _), anchor in zip(ends, anchors, strict=True):
                limb = BODY_POINTS[point].limb
                if limb:
                    most = EASY_REACH * limb_reach(joints[person], limb)
                    away = meet - anchor
                    far = np.linalg.norm(away, axis=-1, keepdims=True)
                    meet = anchor + away * np.minimum(1.0, most / np.maximum(far, 1e-9))
    apart = normalise(anchors[0] - (anchors[1] if ends[1][2] > 0 else meet))
    return meet + touch.gap * ends[0][2] * apart, meet - touch.gap * ends[1][2] * apart


def _make(joints: np.ndarray, touch: Touch) -> None:
    """Bring the limbs of one touch to their goals."""
    frames = joints.shape[1]
    span, weight = touch.span(frames), touch.weight(frames)[:, None]
    goals = _goals(joints[:, span], touch)
    for (person, point, comes), goal in zip(touch.ends, goals, strict=True):
        limb = BODY_POINTS[point].limb
        if limb and comes > 0:
            body = joints[person, span]
            now = body_point(body, point)
            end = body[:, limb[3]] if limb in LEGS else now
            push = weight * _elbow_push(body, limb, touch.elbow) if person == touch.person else 0.0
            tip = 0.0 if limb in LEGS else HAND
            reach(body, limb, end + weight * (goal - now), push, tip=tip, soft=SOFT_REACH)


def _elbow_push(body: np.ndarray, limb: Limb, elbow: tuple[float, float, float]) -> np.ndarray:
    """`elbow` (outward, up, forward) as vectors (T, 3), for joints (T, 22, 3) of one person."""
    left, up, forward = part_frame(body, "chest")
    outward = left if limb[1] == L_SHOULDER else -left
    return elbow[0] * outward + elbow[1] * up + elbow[2] * forward


def _missing(
    joints: np.ndarray, touches: Iterable[Touch]
) -> Iterable[tuple[int, slice, np.ndarray, np.ndarray, bool]]:
    """Person, frames, anchor, how far it is from reaching its goal (both (T, 3)), and whether an arm hangs on it."""
    frames = joints.shape[1]
    for touch in touches:
        span, weight = touch.span(frames), touch.weight(frames)[:, None]
        goals = _goals(joints[:, span], touch)
        for (person, point, comes), goal in zip(touch.ends, goals, strict=True):
            limb = BODY_POINTS[point].limb
            if comes > 0:
                anchor = _anchor(joints[person, span], point)
                away = goal - anchor
                easy = EASY_REACH * limb_reach(joints[person], limb) if limb else 0.0
                far = np.linalg.norm(away, axis=-1, keepdims=True)
                short = weight * away * np.maximum(1.0 - easy / np.maximum(far, 1e-9), 0.0)
                if np.abs(short).max() > NEAR_ENOUGH:
                    yield person, span, anchor, short, limb in ARMS


def _lean_in(joints: np.ndarray, touches: Sequence[Touch]) -> None:
    """Lean both people's spines towards what their arms do not reach."""
    turns = np.zeros((*joints.shape[:2], 3))
    for person, span, anchor, short, is_arm in _missing(joints, touches):
        if is_arm:
            lever = anchor - joints[person, span][:, _BENDS].mean(axis=1)
            _take_longer(
                turns[person, span], cross(lever, short) / np.square(lever).sum(axis=-1, keepdims=True)
            )
    for person in np.flatnonzero(turns.any(axis=(1, 2))):
        lean(joints[person], eased(turns[person], BODY_SMOOTHING, MOST_LEAN))


def _move_in(joints: np.ndarray, touches: Sequence[Touch]) -> None:
    """Move both people towards what they do not reach."""
    moves = np.zeros((*joints.shape[:2], 3))
    for person, span, _, short, _ in _missing(joints, touches):
        short[:, 1] = np.clip(short[:, 1], -MOST_CROUCH, 0.0)
        _take_longer(moves[person, span], short)
    for person in np.flatnonzero(moves.any(axis=(1, 2))):
        shift(joints[person], eased(moves[person], BODY_SMOOTHING, MOST_SHIFT))


def _take_longer(vectors: np.ndarray, others: np.ndarray) -> None:
    """Put the longer of two vectors, frame by frame, into `vectors` (T, 3)."""
    longer = np.square(others).sum(axis=-1) > np.square(vectors).sum(axis=-1)
    vectors[longer] = others[longer]
