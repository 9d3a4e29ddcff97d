"""Measures of people who meet: bow, handshake, high five, embrace, pat on the shoulder, wave, talk, signals.

Every rule takes one person and the other; thresholds are in metres, seconds, degrees and cosines.
"""

import numpy as np

from intermamba.motion.skeleton import L_ELBOW, R_ELBOW

from .signals import (
    ARMS,
    BACK,
    SHOULDERS,
    TRUNK,
    Person,
    distance,
    dot,
    face_to_face,
    facing,
    gap_to,
    hand_gaps,
)
from .verdict import Verdict, all_of, at_least, at_most

TOUCH = 0.18  # palm to palm
ON_BODY = 0.28  # palm to a joint that lies inside the body
TALKING_DISTANCE = 3.5
HIGH = -0.16  # over the shoulders, of palms that meet for a high five
SWING = 0.05  # a wave's least way from side to side
STILL = 0.35  # speed of a person who stands


def bow(one: Person, other: Person) -> Verdict:
    """Both bend the trunk forward at about the same time, on straight legs, face to face, without touching."""
    window = 1.2
    dips = [p.bend - np.percentile(p.bend, 10) for p in (one, other)]
    both = np.minimum(dips[0], one.soon(one.lately(dips[1], window), window))
    at = int(both.argmax())
    near = slice(max(at - round(window * one.fps), 0), at + round(window * one.fps) + 1)
    legs = min(p.stature[near][p.bend[near].argmax()] for p in (one, other))
    return all_of(
        at_least(both[at], 22.0, "both bend forward by {} degrees"),
        at_least(legs, 0.88, "the pelvis stays at {} of its standing height"),
        at_least(
            min(p.stature.min() for p in (one, other)), 0.6, "the hips stay at {} of their standing height"
        ),
        at_least(face_to_face(one, other)[at], 0.5, "they face each other with a cosine of {}"),
        at_least(distance(one, other)[at], 0.5, "they are {} m apart"),
        at_most(distance(one, other)[at], 4.0, "they are {} m apart"),
    )


def handshake(one: Person, other: Person) -> Verdict:
    """Right hand holds right hand (or left left) for a moment, below the shoulders, face to face, standing."""
    gaps = hand_gaps(one, other)
    calm = (one.speed < 0.8) & (other.speed < 0.8) & (face_to_face(one, other) > 0.35)
    side = int(min((0, 1), key=lambda s: np.where(calm, gaps[s, s], 9.0).min()))
    low = np.maximum(one.raised[side], other.raised[side]) < 0.0
    held = calm & (gaps[side, side] < TOUCH) & low
    return all_of(
        at_most(
            np.where(calm, gaps[side, side], 9.0).min(), TOUCH, "the two hands of one side come within {} m"
        ),
        at_least(one.longest(held), 0.4, "they are held, face to face, for {} s"),
        at_most(one.total(gaps[1 - side].min(axis=0) < TOUCH), 0.6, "the other hand touches for {} s"),
        at_least(
            min(p.stature.min() for p in (one, other)), 0.8, "the hips stay at {} of their standing height"
        ),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.6, "the fists are up for {} of the time"),
    )


def high_five(one: Person, other: Person) -> Verdict:
    """Palms meet near shoulder height or above, fast and briefly, after both hands have been lower."""
    gaps = hand_gaps(one, other)
    high = np.minimum(one.raised[:, None], other.raised[None])
    a, b, at = np.unravel_index(np.where(high > HIGH, gaps, 9.0).argmin(), gaps.shape)
    before = slice(max(at - round(1.2 * one.fps), 0), at + 1)
    after = slice(at, at + round(1.2 * one.fps))
    rise = min(p.raised[h, at] - p.raised[h, before].min() for p, h in ((one, a), (other, b)))
    return all_of(
        at_most(gaps[a, b, at] if high[a, b, at] > HIGH else 9.0, 0.25, "raised palms come within {} m"),
        at_least(gaps[a, b, before].max(), 0.5, "they come from {} m apart"),
        at_least(gaps[a, b, after].max(), 0.1, "they part to {} m"),
        at_most(one.longest(gaps[a, b] < gaps[a, b, at] + 0.1), 0.9, "they stay together for {} s"),
        at_least(rise, 0.2, "both hands rise by {} m to it"),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.6, "the fists are up for {} of the time"),
        at_least(
            np.median(face_to_face(one, other)[before]), 0.3, "they face each other with a cosine of {}"
        ),
    )


def embrace(one: Person, other: Person) -> Verdict:
    """Chest to chest, face to face, with an arm of each round the other's back, for a moment."""
    near, front = distance(one, other), face_to_face(one, other)
    around = np.minimum(_hand_behind(one, other), _hand_behind(other, one))
    close = (near < 0.55) & (front > 0.3)
    return all_of(
        at_most(near.min(), 0.55, "they come within {} m"),
        at_least(one.longest(close), 0.5, "they stay close, face to face, for {} s"),
        at_least(one.longest(close & (around > 0.0)), 0.4, "each has a hand on the other's back for {} s"),
    )


def _hand_behind(one: Person, other: Person) -> np.ndarray:
    """How far (T,) one's farthest hand is behind the other's spine; below 0 where no hand is near the back."""
    spine = other.joints[:, BACK].mean(axis=1)
    behind = -dot((one.palms - spine)[..., ::2], other.forward)
    near = gap_to(one.palms, other, (*BACK, *SHOULDERS)) < ON_BODY + 0.05
    return np.where(near, behind + 0.05, -1.0).max(axis=0)


def pat_shoulder(one: Person, other: Person) -> Verdict:
    """A hand of one comes to rest or taps on the shoulder or upper back of the other, who stays standing."""
    gaps = gap_to(one.palms, other, SHOULDERS)
    hand = int(gaps.min(axis=1).argmin())
    apart = distance(one, other)
    calm = (np.maximum(one.speed, other.speed) < 0.5) & (one.hand_speed[hand] < 1.2)
    held = (gaps[hand] < 0.22) & (apart > 0.3) & calm
    pushed = np.linalg.norm(other.moved(1.0), axis=-1)
    return all_of(
        at_most(gaps[hand].min(), 0.22, "a hand comes within {} m of the other's shoulder"),
        at_least(one.total(held), 0.3, "it is there, both standing, for {} s"),
        at_most(one.total(gaps.max(axis=0) < 0.22), 0.3, "both hands are there for {} s"),
        at_most(pushed[gaps[hand] < 0.22].max(initial=0.0), 0.25, "the other is moved by {} m"),
        at_least(other.stature.min(), 0.8, "the other's pelvis stays at {} of its standing height"),
        at_least(gaps[hand].max() - gaps[hand].min(), 0.15, "the hand comes or goes by {} m"),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.6, "the fists are up for {} of the time"),
    )


def wave(one: Person, other: Person) -> Verdict:
    """One raised hand swings from side to side toward someone who is looked at and not touched."""
    hand = max((0, 1), key=lambda side: _swings(one, _waving(one, other, side), side))
    up = _waving(one, other, hand)
    swings = _swings(one, up, hand)
    return all_of(
        at_least(one.longest(up), 0.6, "a hand alone is up, away from the other, for {} s"),
        at_least(swings, 2.0, "it swings from side to side {} times"),
        at_least(swings / max(one.total(up), 1e-6), 1.0, "it does so {} times a second"),
        at_least(
            facing(one, other)[up].max(initial=-1.0), 0.5, "it is meant for the other with a cosine of {}"
        ),
        at_most(one.foot_speed.max(axis=0)[up].mean() if up.any() else 9.0, 0.5, "the feet move at {} m/s"),
    )


def _waving(one: Person, other: Person, side: int) -> np.ndarray:
    """Whether (T,) a hand is up, over its elbow, the other one down, and both away from the partner."""
    elbow = one.joints[:, (L_ELBOW, R_ELBOW)[side], 1]
    up = (one.raised[side] > -0.15) & (one.palms[side, :, 1] > elbow + 0.1) & (one.raised[1 - side] < -0.25)
    return up & (gap_to(one.palms, other, (*TRUNK, *ARMS)).min(axis=0) > 0.4)


def _swings(one: Person, up: np.ndarray, side: int) -> float:
    """How often a hand turns back from left or right after a swing of 5 cm or more while it is up (T,)."""
    count, turn, trend = 0, 0.0, 0
    for before, now, across in zip(np.r_[False, up[:-1]], up, one.gestures[side, :, 0], strict=True):
        if not (now and before):
            turn, trend = across, 0
        elif trend == 0:
            trend = int(np.sign(across - turn)) * (abs(across - turn) > SWING)
        elif (across - turn) * trend < -SWING:
            count, turn, trend = count + 1, across, -trend
        elif (across - turn) * trend > 0:
            turn = across
    return float(count)


def talk_listen(one: Person, other: Person) -> Verdict:
    """Both stand face to face; one's hands talk below head height, the other's are quieter."""
    talk, listen = one.hand_speed.max(axis=0).mean(), other.hand_speed.max(axis=0).mean()
    return all_of(
        at_most(max(np.percentile(p.speed, 80) for p in (one, other)), STILL, "they walk at {} m/s"),
        at_most(max(p.foot_speed.mean() for p in (one, other)), 0.25, "their feet move at {} m/s"),
        at_least(
            min(p.stature.min() for p in (one, other)), 0.85, "a pelvis is at {} of its standing height"
        ),
        at_least(np.median(face_to_face(one, other)), 0.5, "they face each other with a cosine of {}"),
        at_most(np.median(distance(one, other)), TALKING_DISTANCE, "they are {} m apart"),
        at_least(talk, 0.1, "one's hands move at {} m/s"),
        at_least(talk / max(listen, 1e-6), 1.5, "that is {} times the other's"),
        at_most(
            (one.raised.max(axis=0) > 0.1).mean(), 0.1, "a hand is over the shoulders for {} of the time"
        ),
        at_least(_nearest_touch(one, other), 0.15, "hands stay {} m from the other"),
        at_most(max(p.bend.max() for p in (one, other)), 22.0, "they bend by {} degrees"),
    )


def direct_signals(one: Person, other: Person) -> Verdict:
    """One stands and makes signs with stretched arms, toward a partner who watches or obeys."""
    signs = _signs(one)
    busy = other.hand_speed.mean() / max(one.hand_speed.mean(), 1e-6)
    return all_of(
        at_most(np.percentile(one.speed, 80), STILL, "the one who directs walks at {} m/s"),
        at_least(one.stature.min(), 0.85, "a pelvis is at {} of its standing height"),
        at_least(one.total(signs), 0.15, "a hand is out as a sign for {} s"),
        at_least(one.hand_speed.max(), 1.2, "the hand moves at up to {} m/s"),
        at_least(np.median(facing(one, other)), 0.4, "one faces the other with a cosine of {}"),
        at_least(np.median(distance(one, other)), 0.8, "they are {} m apart"),
        at_most(busy, 0.5, "the other's hands are {} times as busy"),
        at_least(_nearest_touch(one, other), 0.2, "hands stay {} m from the other"),
    )


def _signs(one: Person) -> np.ndarray:
    """Whether (T,) a hand is out, away from the body and not just hanging."""
    out = (np.linalg.norm(one.gestures[..., (0, 2)], axis=-1) > 0.37) & (one.raised > -0.45)
    return out[0] | out[1]


def _nearest_touch(one: Person, other: Person) -> float:
    gaps = [gap_to(a.palms, b, (*TRUNK, *ARMS)).min() for a, b in ((one, other), (other, one))]
    return float(min(gaps))
