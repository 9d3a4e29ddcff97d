"""The vocabulary of the measures: what one person does, and how two stand to each other, frame by frame.

Hands and feet are arrays (2, T, ...), left first. Directions and places on the floor are (T, 2): x and z.
Metres, metres a second, degrees, seconds. A partner's signals are functions of two people, in that order.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from intermamba.motion.filters import gaussian_smooth
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.placement import facing as yaw_of
from intermamba.motion.rotations import normalise
from intermamba.motion.skeleton import (
    HEAD,
    L_ANKLE,
    L_COLLAR,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    NECK,
    PELVIS,
    R_ANKLE,
    R_COLLAR,
    R_ELBOW,
    R_FOOT,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    R_WRIST,
    SPINE1,
    SPINE2,
    SPINE3,
)

PALM = 0.085  # m from the wrist to the palm, along the forearm
STANDING = 1.06  # height of the hips of someone who stands over the length of thigh and shin together
SMOOTHING = 0.08  # s, sigma of the Gaussian under every speed
STEPS = 0.25  # s, sigma that takes the sway of the steps out of a path
TRUNK = (PELVIS, SPINE1, SPINE2, SPINE3, NECK, HEAD, L_COLLAR, R_COLLAR, L_SHOULDER, R_SHOULDER)
ELBOWS = (L_ELBOW, R_ELBOW)
ARMS = (*ELBOWS, L_WRIST, R_WRIST)
SHOULDERS = (L_COLLAR, R_COLLAR, L_SHOULDER, R_SHOULDER, SPINE3)
BACK = (SPINE1, SPINE2, SPINE3, NECK)


@dataclass(frozen=True, eq=False)
class Person:
    """One person's joints (T, 22, 3), Y up, floor at 0, and what can be read from them."""

    joints: np.ndarray
    fps: float

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.joints)

    @cached_property
    def place(self) -> np.ndarray:
        """Where the pelvis is on the floor (T, 2)."""
        return self.joints[:, PELVIS, ::2]

    @cached_property
    def route(self) -> np.ndarray:
        """The place (T, 2) without the sway of the steps."""
        return gaussian_smooth(self.place, STEPS * self.fps, axis=0)

    @cached_property
    def velocity(self) -> np.ndarray:
        """Velocity (T, 2) along the route."""
        return rate(self.route, self.fps)

    @cached_property
    def speed(self) -> np.ndarray:
        """Speed (T,) along the route."""
        return np.linalg.norm(self.velocity, axis=-1)

    @cached_property
    def path(self) -> float:
        """Length of the route."""
        return float(np.linalg.norm(np.diff(self.route, axis=0), axis=-1).sum())

    @cached_property
    def forward(self) -> np.ndarray:
        """Unit direction (T, 2) that hips and shoulders face."""
        yaw = yaw_of(self.joints)
        return np.stack([np.sin(yaw), np.cos(yaw)], axis=-1)

    @cached_property
    def turned(self) -> np.ndarray:
        """Degrees (T,) turned since the first frame, left positive."""
        yaw = np.degrees(np.unwrap(yaw_of(self.joints)))
        return yaw - yaw[0]

    @cached_property
    def stature(self) -> np.ndarray:
        """Height of the hips (T,) as a share of their height when standing: 1 standing, 0.5 crouching, 0.1 lying."""
        bones = [self.joints[:, a] - self.joints[:, b] for a, b in ((L_KNEE, L_HIP), (L_ANKLE, L_KNEE))]
        leg = sum(float(np.median(np.linalg.norm(bone, axis=-1))) for bone in bones)
        return self.joints[:, (L_HIP, R_HIP), 1].mean(axis=-1) / (STANDING * leg)

    @cached_property
    def bend(self) -> np.ndarray:
        """Degrees (T,) by which the trunk leans forward of upright."""
        trunk = self.joints[:, NECK] - self.joints[:, PELVIS]
        return np.degrees(np.arctan2(dot(trunk[:, ::2], self.forward), trunk[:, 1]))

    @cached_property
    def upright(self) -> np.ndarray:
        """Height (T,) of the head over the pelvis."""
        return self.joints[:, HEAD, 1] - self.joints[:, PELVIS, 1]

    @cached_property
    def palms(self) -> np.ndarray:
        """Palms (2, T, 3)."""
        wrists, elbows = self._both(L_WRIST, R_WRIST), self._both(L_ELBOW, R_ELBOW)
        return wrists + PALM * normalise(wrists - elbows)

    @cached_property
    def raised(self) -> np.ndarray:
        """Height (2, T) of the palms over the middle of the shoulders."""
        return self.palms[..., 1] - self.joints[:, (L_SHOULDER, R_SHOULDER), 1].mean(axis=-1)

    @cached_property
    def gestures(self) -> np.ndarray:
        """Palms (2, T, 3) as the body sees them: to the left, up and forward of the chest."""
        offset = self.palms - self.joints[:, SPINE3]
        return np.stack(
            [
                dot(offset[..., ::2], left_of(self.forward)),
                offset[..., 1],
                dot(offset[..., ::2], self.forward),
            ],
            axis=-1,
        )

    @cached_property
    def stretch(self) -> np.ndarray:
        """Distance (2, T) of the wrists from their shoulders, as a share of the arm's length."""
        joints = [
            self._both(L_SHOULDER, R_SHOULDER),
            self._both(L_ELBOW, R_ELBOW),
            self._both(L_WRIST, R_WRIST),
        ]
        bones = [np.linalg.norm(b - a, axis=-1) for a, b in pairwise(joints)]
        return np.linalg.norm(joints[2] - joints[0], axis=-1) / np.median(sum(bones))

    @cached_property
    def hand_speed(self) -> np.ndarray:
        """Speed (2, T) of the palms, the body's own travel taken out."""
        return np.linalg.norm(self._speed_of(self.palms - self.joints[:, PELVIS]), axis=-1)

    @cached_property
    def feet(self) -> np.ndarray:
        """Balls of the feet (2, T, 3)."""
        return self._both(L_FOOT, R_FOOT)

    @cached_property
    def foot_speed(self) -> np.ndarray:
        """Speed (2, T) of the balls of the feet."""
        return np.linalg.norm(self._speed_of(self.feet), axis=-1)

    @cached_property
    def lift(self) -> np.ndarray:
        """Height (2, T) of the balls of the feet over that of a standing foot."""
        return self.feet[..., 1] - TOE_HEIGHT

    @cached_property
    def knees(self) -> np.ndarray:
        """Flexion (2, T) of the knees, 0 when straight."""
        thighs = normalise(self._both(L_KNEE, R_KNEE) - self._both(L_HIP, R_HIP))
        shins = normalise(self._both(L_ANKLE, R_ANKLE) - self._both(L_KNEE, R_KNEE))
        return np.degrees(np.arccos(np.clip(dot(thighs, shins), -1.0, 1.0)))

    @cached_property
    def guarded(self) -> np.ndarray:
        """Whether (T,) both fists are up before the chest."""
        up = (self.raised > -0.4) & (self.raised < 0.25) & (self.gestures[..., 2] > 0.05)
        return up[0] & up[1]

    def moved(self, seconds: float) -> np.ndarray:
        """How far (T, 2) the pelvis goes in the seconds after each frame."""
        later = np.minimum(np.arange(self.frames) + round(seconds * self.fps), self.frames - 1)
        return self.place[later] - self.place

    def soon(self, signal: np.ndarray, seconds: float) -> np.ndarray:
        """The largest value of a signal (..., T) from each frame to some seconds later."""
        width = max(round(seconds * self.fps), 0)
        padding = [(0, 0)] * (signal.ndim - 1) + [(0, width)]
        return sliding_window_view(np.pad(signal, padding, mode="edge"), width + 1, axis=-1).max(axis=-1)

    def lately(self, signal: np.ndarray, seconds: float) -> np.ndarray:
        """The largest value of a signal (..., T) from some seconds before each frame to it."""
        return self.soon(signal[..., ::-1], seconds)[..., ::-1]

    def longest(self, holds: np.ndarray) -> float:
        """Seconds of the longest unbroken time that a condition (T,) holds."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
        return float((edges[1::2] - edges[::2]).max(initial=0) / self.fps)

    def total(self, holds: np.ndarray) -> float:
        """Seconds in which a condition (T,) holds, in all."""
        return float(holds.sum() / self.fps)

    def _both(self, left: int, right: int) -> np.ndarray:
        return np.moveaxis(self.joints[:, (left, right)], 1, 0)

    def _speed_of(self, points: np.ndarray) -> np.ndarray:
        return rate(gaussian_smooth(points, SMOOTHING * self.fps / 2, axis=1), self.fps, axis=1)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot product over the last axis."""
    return np.einsum("...i,...i->...", a, b)


def left_of(direction: np.ndarray) -> np.ndarray:
    """The direction (..., 2) a quarter turn to the left."""
    return np.stack([direction[..., 1], -direction[..., 0]], axis=-1)


def rate(values: np.ndarray, fps: float, axis: int = 0) -> np.ndarray:
    """Change per second along an axis; nothing changes in a single frame."""
    return np.gradient(values, axis=axis) * fps if values.shape[axis] > 1 else np.zeros_like(values)


def distance(one: Person, other: Person) -> np.ndarray:
    """Distance (T,) of the pelvises on the floor."""
    return np.linalg.norm(other.place - one.place, axis=-1)


def toward(one: Person, other: Person) -> np.ndarray:
    """Unit direction (T, 2) from one to the other."""
    return normalise(other.place - one.place)


def facing(one: Person, other: Person) -> np.ndarray:
    """Cosine (T,) between where one faces and where the other is."""
    return dot(one.forward, toward(one, other))


def face_to_face(one: Person, other: Person) -> np.ndarray:
    """The lesser (T,) of the cosines with which the two face each other."""
    return np.minimum(facing(one, other), facing(other, one))


def hand_gaps(one: Person, other: Person) -> np.ndarray:
    """Distances (2, 2, T) from each palm of one to each palm of the other."""
    return np.linalg.norm(one.palms[:, None] - other.palms[None], axis=-1)


def hand_in_hand(one: Person, other: Person) -> float:
    """Share of the time in which a hand of one is near a hand of the other: much in a dance, little in a fight."""
    return float((hand_gaps(one, other).min(axis=(0, 1)) < 0.3).mean())


def gap_to(points: np.ndarray, other: Person, parts: tuple[int, ...]) -> np.ndarray:
    """Distances (2, T) from points (2, T, 3) to the nearest of some joints of the other."""
    return np.linalg.norm(points[:, :, None] - other.joints[:, parts], axis=-1).min(axis=-1)


def closing(points: np.ndarray, one: Person, other: Person) -> np.ndarray:
    """Speed (2, T) of one's hands or feet (2, T, 3), relative to one's pelvis, in the direction of the other."""
    offset = gaussian_smooth(points - one.joints[:, PELVIS], SMOOTHING * one.fps / 3, axis=1)
    return dot(rate(offset, one.fps, axis=1)[..., ::2], toward(one, other))


def ahead_and_beside(one: Person, other: Person) -> tuple[np.ndarray, np.ndarray]:
    """How far (T,) the other is ahead of one and to the side, seen along the way that one travels."""
    course, offset = normalise(one.velocity), other.place - one.place
    return dot(offset, course), dot(offset, left_of(course))


def same_course(one: Person, other: Person) -> np.ndarray:
    """Cosine (T,) between the ways that the two travel."""
    return dot(normalise(one.velocity), normalise(other.velocity))


def likeness(a: np.ndarray, b: np.ndarray, frames: int) -> float:
    """Largest correlation of signals (..., T, N) when b comes up to `frames` later or earlier; 0 for stillness."""
    best = 0.0
    for lag in range(-frames, frames + 1):
        first, second = (a, b) if lag >= 0 else (b, a)
        x, y = first[..., : first.shape[-2] - abs(lag), :], second[..., abs(lag) :, :]
        if x.shape[-2] < 8:
            continue
        x, y = x - x.mean(axis=-2, keepdims=True), y - y.mean(axis=-2, keepdims=True)
        best = max(best, float((x * y).sum() / max(np.sqrt((x * x).sum() * (y * y).sum()), 1e-9)))
    return best
