"""The contacts that a motion nearly makes: hands that stay near something of the other or clap, and blows that land."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from .body_points import BODY_POINTS, body_point, point_frame
from .filters import gaussian_smooth
from .motion import Motion
from .rotations import normalise
from .touch import Touch

ASKED = "touches"
"""The setting of a motion that names the kinds of contacts it was asked for."""
_SIDE = re.compile("left_|right_|_left|_right")

HANDS = ("left_hand", "right_hand")
FEET = ("left_foot", "right_foot")
# What a hand rests on beside hands, and what a blow lands on.
BODY = (
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("shoulder", "shoulder_blade", "upper_arm", "forearm")
    ),
    *("chest", "belly", "upper_back", "back", "lower_back", "waist_left", "waist_right"),
)
TARGETS = (
    *HANDS,
    "chest",
    "belly",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_forearm",
    "right_forearm",
)

# A hand holds where it is slow (m/s) beside what it is near; it goes on while it is not `LOOSER` times as far or fast.
SLOW = 0.8
LOOSER = 1.3

Points = dict[str, np.ndarray]
"""Where each point is (2, T, 3)."""

Pair = tuple[int, str, str]
"""A person, a point of theirs, and a point of the other's."""


@dataclass(frozen=True)
class Hold:
    """A point stays `near` (m) a target for `seconds`, with pauses of up to `pause` seconds between.

    `ramp` is the frames, at 30 fps, over which the contact is brought about and let go.
    """

    near: float
    seconds: float = 0.27
    pause: float = 0.15
    ramp: tuple[int, int] = (8, 8)


@dataclass(frozen=True)
class Meeting:
    """A point comes `within` (m) of a target with at least the speed `fast` (m/s), for at least the share `straight` of
    its way straight at it, and goes on with at most the share `follows` of that speed; measured over `seconds` on both
    sides. `ramp` is as of a hold.
    """

    within: float
    seconds: float
    fast: float
    straight: float
    follows: float
    ramp: tuple[int, int]


ON_BODY = Hold(near=0.14)
IN_HAND = Hold(near=0.16)
BLOW = Meeting(within=0.13, seconds=0.1, fast=2.0, straight=0.8, follows=0.35, ramp=(5, 6))
# Hands part the way they came.
CLAP = Meeting(within=0.13, seconds=0.2, fast=1.0, straight=0.6, follows=-0.2, ramp=(5, 6))
# What is asked for is looked for from farther away.
ASKED_HOLD = Hold(near=0.28, pause=0.27)
ASKED_MEETING = Meeting(within=0.28, seconds=0.2, fast=0.25, straight=0.4, follows=0.2, ramp=(8, 8))


@dataclass(frozen=True)
class _Candidate:
    touch: Touch
    distance: float  # m, mean
    blow: bool = False


def touches_of(motion: Motion) -> list[Touch]:
    """The contacts that a motion nearly makes, above all those that its settings ask for, as "hand on shoulder"."""
    asked = motion.settings.get(ASKED)
    return find_touches(motion.joints, motion.fps, asked if isinstance(asked, list) else ())


def kind_of(point: str, on: str) -> str:
    """How a contact of two points is asked for: "hand on shoulder", whichever hand and shoulder."""
    return f"{_SIDE.sub('', point)} on {_SIDE.sub('', on)}"


def find_touches(joints: np.ndarray, fps: float = 30.0, asked: Collection[str] = ()) -> list[Touch]:
    """Contacts that joints (2, T, 22, 3) nearly make, in order of time; no limb is in two at once.

    People who pass each other, and hands that swing by, make none. What is `asked` for, by the names of kind_of, is
    looked for from farther away.
    """
    joints = joints.astype(float)
    if joints.shape[1] < 4:
        return []
    points = {name: body_point(joints, name) for name in BODY_POINTS}
    hands = list(_pairs(HANDS, HANDS))
    wanted = [pair for pair in _pairs((*HANDS, *FEET), tuple(BODY_POINTS)) if kind_of(*pair[1:]) in asked]
    candidates = (
        candidate
        for kind, pairs in (
            (ON_BODY, _pairs(HANDS, BODY)),
            (IN_HAND, hands),
            (BLOW, _pairs((*HANDS, *FEET), TARGETS)),
            (CLAP, hands),
            (ASKED_HOLD, wanted),
            (ASKED_MEETING, wanted),
        )
        for pair in pairs
        for candidate in _nearly(joints, points, fps, kind, pair)
    )
    taken: list[Touch] = []
    for candidate in sorted(candidates, key=_worth):
        if not any(_same_limb(candidate.touch, other) for other in taken):
            taken.append(candidate.touch)
    return sorted(taken, key=lambda touch: touch.start)


def _worth(candidate: _Candidate) -> tuple[float, ...]:
    """Holds go before blows, those before what comes less near, near and long before far and short.

    Hands seem half as far as what else is touched.
    """
    touch, afar = candidate.touch, candidate.blow and candidate.distance > BLOW.within
    seems = candidate.distance * (0.5 if touch.on in HANDS else 1.0)
    return candidate.blow, afar, seems / (touch.stop - touch.start)


def _same_limb(one: Touch, other: Touch) -> bool:
    apart = max(one.start - other.stop, other.start - one.stop)
    return apart < 2 and bool(one.limbs & other.limbs)


def _pairs(points: tuple[str, ...], targets: tuple[str, ...]) -> Iterator[Pair]:
    """Person, point and target; two hands come once."""
    for person in (0, 1):
        for point in points:
            for on in targets:
                if person == 0 or on not in HANDS or point not in HANDS:
                    yield person, point, on


def _nearly(
    joints: np.ndarray, points: Points, fps: float, kind: Hold | Meeting, pair: Pair
) -> Iterator[_Candidate]:
    if isinstance(kind, Hold):
        return _holds(joints, points, fps, kind, *pair)
    return _meetings(joints, points, fps, kind, *pair)


def _holds(
    joints: np.ndarray, points: Points, fps: float, kind: Hold, person: int, point: str, on: str
) -> Iterator[_Candidate]:
    least, pause = max(round(kind.seconds * fps), 3), round(kind.pause * fps)
    between = points[point][person] - points[on][1 - person]
    distance = np.linalg.norm(between, axis=-1)
    if (distance < kind.near).sum() < least:
        return
    speed = np.linalg.norm(np.gradient(gaussian_smooth(between, 1.5, 0), axis=0), axis=-1) * fps
    held = (distance < kind.near) & (speed < SLOW)
    maybe = (distance < LOOSER * kind.near) & (speed < LOOSER * SLOW)
    for start, stop in _runs(maybe, pause):
        during = np.arange(start, stop)[held[start:stop]]
        if len(during) >= least:
            offset = _lands_on(joints[:, during], person, on, between[during])
            touch = Touch(person, point, on, int(during[0]), int(during[-1]) + 1, kind.ramp, offset=offset)
            yield _Candidate(touch, float(distance[during].mean()))


def _meetings(
    joints: np.ndarray, points: Points, fps: float, kind: Meeting, person: int, point: str, on: str
) -> Iterator[_Candidate]:
    span = max(round(kind.seconds * fps), 1)
    between = points[point][person] - points[on][1 - person]
    distance = np.linalg.norm(between, axis=-1)
    for at in range(span, len(distance) - span):
        if distance[at] > kind.within or distance[at] > distance[at - span : at + span + 1].min():
            continue
        before, after = (between[at] - between[at - span], between[at + span] - between[at])
        way = np.linalg.norm(before)
        if (
            way * fps / span > kind.fast
            and distance[at - span] - distance[at] > kind.straight * way
            and after @ before < kind.follows * way**2
        ):
            offset = _lands_on(joints[:, at : at + 1], person, on, between[at : at + 1])
            touch = Touch(person, point, on, at, at + 2, kind.ramp, offset=offset)
            yield _Candidate(touch, float(distance[at]), blow=True)


def _lands_on(joints: np.ndarray, person: int, on: str, between: np.ndarray) -> tuple[float, float, float]:
    """The offset from a target to the place on the surface that a point is over; `between` (T, 3) is their distance."""
    point = BODY_POINTS[on]
    if point.limb:
        return 0.0, 0.0, 0.0
    frame = np.stack(point_frame(joints[1 - person], on), axis=-2)
    over = np.median(np.einsum("tij,tj->ti", frame, between), axis=0)
    middle = np.array(point.offset)
    if point.frame == "limb":
        around = normalise((over + middle) * [1.0, 0.0, 1.0]) * np.linalg.norm(middle)
        over = around - middle + over * [0.0, 1.0, 0.0]
    else:
        normal = normalise(middle)
        over = over - normal * (normal @ over)
    return float(over[0]), float(over[1]), float(over[2])


def _runs(mask: np.ndarray, pause: int) -> list[tuple[int, int]]:
    """Where a mask (T,) is true, as (start, stop), with pauses of up to `pause` frames filled."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    runs: list[tuple[int, int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] <= pause:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return runs
