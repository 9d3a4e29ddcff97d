"""Measures of fighting: push, punch, kick, sparring, shadowing a guard, knocking down."""

import numpy as np

from .signals import (
    ARMS,
    ELBOWS,
    TRUNK,
    Person,
    closing,
    distance,
    dot,
    face_to_face,
    facing,
    gap_to,
    hand_gaps,
    hand_in_hand,
    left_of,
    likeness,
    rate,
    toward,
)
from .verdict import Verdict, all_of, at_least, at_most

ON_BODY = 0.30  # m, palm to a joint that lies inside the body
LANDED = 0.38  # m, fist to a joint that it hits or to the elbow of the arm that blocks it
FACING = 0.1  # cosine; a guard stands half sideways
STRIKE = 1.2  # m/s, of a fist toward the other
SPARRING = 1.5  # m/s, of a fist that is surely a strike
KICK = 2.0  # m/s, of a foot toward the other
REACTION = 0.6  # s, within which a hit shows
STAGGER = 1.2  # s, within which a push or kick has moved the other


def push(one: Person, other: Person) -> Verdict:
    """A hand of one reaches the other's trunk, and the other goes back, away from it."""
    gaps = gap_to(one.palms, other, TRUNK).min(axis=0)
    contact = (
        (gaps < ON_BODY)
        & (distance(one, other) > 0.5)
        & (facing(one, other) > 0.3)
        & (one.stretch.max(axis=0) > 0.6)
    )
    return all_of(
        at_most(gaps.min(), ON_BODY, "a hand comes within {} m of the other's trunk"),
        at_least(_driven(one, other, contact), 0.2, "the other goes back by {} m"),
        at_most(hand_in_hand(one, other), 0.45, "they are hand in hand for {} of the time"),
        at_most(one.lift.max(), 0.4, "the feet of one stay within {} m of the floor"),
        at_least(_reach(one), 0.15, "the hands reach forward by {} m"),
        at_most(one.longest(distance(one, other) < 0.55), 0.5, "they stay body to body for {} s"),
    )


def punch(one: Person, other: Person) -> Verdict:
    """A fist shoots at the other's head, trunk or arm and leaves again, and the other answers with a move."""
    fast = one.lately(closing(one.palms, one, other), 0.15) > STRIKE
    gaps, trunk = gap_to(one.palms, other, (*TRUNK, *ELBOWS)), gap_to(one.palms, other, TRUNK)
    # A fist that meets the palm of somebody who keeps no guard is a greeting.
    palms = np.where(other.guarded, 9.0, hand_gaps(one, other).min(axis=1))
    near = np.where(fast, gaps, 9.0)
    hand = int(near.min(axis=1).argmin())
    landed = (near[hand] < LANDED) & (trunk[1 - hand] > ON_BODY)
    return all_of(
        at_least(closing(one.palms, one, other).max(), STRIKE, "a fist goes at {} m/s toward the other"),
        at_most(near.min(), LANDED, "it comes within {} m"),
        at_least(palms[hand].min(), 0.12, "it stays {} m from an open palm"),
        at_least(one.total(landed), 1.0 / one.fps, "it is there, alone, for {} s"),
        at_most(max(p.lift.max() for p in (one, other)), 0.5, "the feet stay within {} m of the floor"),
        at_most(one.longest(trunk[hand] < 0.25), 0.9, "it stays for {} s"),
        at_least(
            face_to_face(one, other)[landed].max(initial=-1.0),
            0.1,
            "they face each other with a cosine of {}",
        ),
        at_most(hand_in_hand(one, other), 0.8, "they are hand in hand for {} of the time"),
        at_least(_reacts(other)[landed].max(initial=0.0), 0.5, "the other moves at {} m/s in answer"),
    )


def kick(one: Person, other: Person) -> Verdict:
    """A foot flies up and at the other, gets near, and the other goes back."""
    fast = one.lately(closing(one.feet, one, other), 0.25)
    gaps = gap_to(one.feet, other, (*TRUNK, *ARMS, 1, 2, 4, 5))
    struck = (fast > KICK) & (one.lately(one.lift, 0.2) > 0.35)
    landed = struck & (gaps < 0.75)
    return all_of(
        at_least(one.lift.max(), 0.35, "a foot is lifted by {} m"),
        at_least(fast.max(), KICK, "a foot goes at {} m/s toward the other"),
        at_most(np.where(struck, gaps, 9.0).min(), 0.75, "it comes within {} m"),
        at_least(_driven(one, other, landed[0] | landed[1]), 0.1, "the other goes back by {} m"),
    )


def knock_down(one: Person, other: Person) -> Verdict:
    """One hits or pushes the other, who falls and stays down, while one stays on the feet."""
    limbs = np.concatenate([gap_to(one.palms, other, (*TRUNK, *ARMS)), gap_to(one.feet, other, TRUNK)])
    touched = one.lately(limbs.min(axis=0) < 0.45, 2.5)
    falls = other.lately(other.stature, 2.5) - other.stature
    return all_of(
        at_most(other.stature[-3:].mean(), 0.55, "the other's pelvis ends at {} of its standing height"),
        at_least(falls.max(), 0.3, "it falls by {} of that height in 2.5 s"),
        at_most(limbs.min(), 0.45, "a hand or foot comes within {} m of the other"),
        at_least(np.where(touched, falls, 0.0).max(), 0.3, "it falls by {} of that height after the touch"),
        at_least(one.stature.min(), 0.6, "one's own pelvis stays at {} of its standing height"),
    )


def sparring(one: Person, other: Person) -> Verdict:
    """Face to face with the fists up, and each strikes or kicks at the other, more than blow and answer."""
    strikes = _strikes(one, other), _strikes(other, one)
    frames = np.concatenate(strikes) if all(map(len, strikes)) else np.zeros(1)
    return all_of(
        at_least(np.median(face_to_face(one, other)), FACING, "they face each other with a cosine of {}"),
        at_most(np.median(distance(one, other)), 2.2, "they are {} m apart"),
        at_least(np.median(distance(one, other)), 0.5, "they are {} m apart"),
        at_least(min(p.guarded.mean() for p in (one, other)), 0.8, "the fists are up for {} of the time"),
        at_most(hand_in_hand(one, other), 0.8, "they are hand in hand for {} of the time"),
        at_least(
            min(p.stature.min() for p in (one, other)), 0.5, "the hips stay at {} of their standing height"
        ),
        at_least(min(map(len, strikes)), 1.0, "one of them strikes {} times"),
        at_least(np.ptp(frames) / one.fps, 0.6, "blows go to and fro for {} s"),
    )


def shadow_guard(one: Person, other: Person) -> Verdict:
    """Both keep a guard, face to face and out of reach, and one's steps are the other's, copied or as in a mirror."""
    a, b = (_own_steps(p) for p in (one, other))
    flips = np.array([(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)])
    copies = max(likeness(a, b * flip, round(0.8 * one.fps)) for flip in flips)
    return all_of(
        at_least(min(p.guarded.mean() for p in (one, other)), 0.6, "the fists are up for {} of the time"),
        at_least(np.median(face_to_face(one, other)), FACING, "they face each other with a cosine of {}"),
        at_least(np.median(distance(one, other)), 0.8, "they are {} m apart"),
        at_most(np.median(distance(one, other)), 4.0, "they are {} m apart"),
        at_least(min(p.path for p in (one, other)), 0.15, "each steps {} m"),
        at_least(copies, 0.5, "one's steps follow the other's with a correlation of {}"),
        at_most(len(_strikes(one, other)) + len(_strikes(other, one)), 0.5, "there are {} strikes"),
    )


def _own_steps(one: Person) -> np.ndarray:
    """Velocity (T, 2) forward and to the left, as the person feels it."""
    return np.stack([dot(one.velocity, one.forward), dot(one.velocity, left_of(one.forward))], axis=-1)


def _driven(one: Person, other: Person, contact: np.ndarray) -> float:
    """How far the other is moved away from one in the time after a contact (T,), at most."""
    away = dot(other.moved(STAGGER), toward(one, other))
    return float(away[contact].max(initial=0.0))


def _reach(one: Person) -> float:
    """How far the hands travel forward of the chest."""
    forward = one.gestures[..., 2]
    return float((forward.max(axis=1) - forward.min(axis=1)).max())


def _reacts(one: Person) -> np.ndarray:
    """Largest speed (T,) of head or hands in the time in which a hit shows."""
    head = np.linalg.norm(rate(one.joints[:, 15], one.fps), axis=-1)
    return one.soon(np.maximum(head, 0.8 * one.hand_speed.max(axis=0)), REACTION)


def _strikes(one: Person, other: Person) -> np.ndarray:
    """Frames in which a fist or foot begins to shoot at the other, within reach."""
    reach = distance(one, other) - one.gestures[..., 2].max(axis=0)
    near = (reach < 1.0) & (facing(one, other) > FACING)
    hands = closing(one.palms, one, other).max(axis=0) > SPARRING
    feet = (closing(one.feet, one, other) > KICK) & (one.soon(one.lift, 0.3) > 0.3)
    fast = one.lately((hands | feet[0] | feet[1]) & near, 0.4)
    return np.flatnonzero(np.diff(fast.astype(int), prepend=0) > 0)
