"""Measures of one who helps the other or stands by: help up, hand over a box, crouch."""

import numpy as np

from .signals import ARMS, SHOULDERS, TRUNK, Person, distance, face_to_face, gap_to, hand_gaps
from .verdict import Verdict, all_of, at_least, at_most

LOW = 0.65  # height of the hips of who sits, kneels or lies, as a share of standing


def help_up(one: Person, other: Person) -> Verdict:
    """The other gets up from floor or chair, with a hand of one on hand or arm on the way."""
    rise = other.soon(other.stature, 3.5) - other.stature
    arms = gap_to(one.palms, other, (*ARMS, *SHOULDERS)).min(axis=0)
    held = np.minimum(arms, hand_gaps(one, other).min(axis=(0, 1))) < 0.22
    rising = (rise > 0.05) & (other.soon(other.stature, 3.5) > 0.85)
    return all_of(
        at_least(other.total(other.stature < LOW), 0.15, "the other is down for {} s"),
        at_least(rise.max(), 0.25, "the other rises by {} of the standing height"),
        at_least(other.stature[-5:].mean(), 0.8, "the other ends at {} of the standing height"),
        at_least(one.total(held & rising), 0.3, "a hand of one holds the other, who rises, for {} s"),
        at_least(one.stature.min(), 0.6, "one stays at {} of the standing height"),
    )


def hand_over_box(one: Person, other: Person) -> Verdict:
    """Both hands of one, a box's width apart, meet both hands of the other, who alone has them so afterwards."""
    gives, takes = (_carries(p) for p in (one, other))
    meet = hand_gaps(one, other).min(axis=1).max(axis=0)
    shared = gives & takes & (meet < 0.25)
    at = int(np.where(gives & takes, meet, 9.0).argmin())
    return all_of(
        at_most(meet.min(), 0.25, "all four hands come within {} m"),
        at_least(one.total(shared), 0.15, "both hold it for {} s"),
        at_least(face_to_face(one, other)[at], 0.3, "they face each other with a cosine of {}"),
        at_least(one.total((gives & ~takes)[:at]), 0.1, "one alone carries it for {} s before"),
        at_least(one.total((takes & ~gives)[at:]), 0.1, "the other alone carries it for {} s after"),
    )


def _carries(one: Person) -> np.ndarray:
    """Whether (T,) both hands are before the trunk, a box's width apart and level."""
    width = np.linalg.norm(one.palms[0] - one.palms[1], axis=-1)
    level = np.abs(one.palms[0, :, 1] - one.palms[1, :, 1])
    front = one.gestures[..., 2].min(axis=0)
    low = (one.raised.max(axis=0) < -0.1) & (one.raised.min(axis=0) > -0.5)
    return low & (width > 0.12) & (width < 0.75) & (level < 0.25) & (front > 0.1)


def crouch(one: Person, other: Person) -> Verdict:
    """One goes down on bent legs, feet under the body and head up; the other stands."""
    down = one.stature < 0.72
    return all_of(
        at_most(one.stature.min(), 0.72, "the pelvis goes down to {} of its standing height"),
        at_least(one.longest(down), 0.3, "it stays there for {} s"),
        at_least(one.upright[down].min(initial=1.0), 0.05, "the head is {} m over the pelvis"),
        at_least(one.stature.max(), 0.85, "one also stands, at {} of the standing height"),
        at_least(other.stature.min(), 0.82, "the other stands at {} of the standing height"),
        at_most(distance(one, other).min(), 3.5, "they are {} m apart"),
        at_least(gap_to(other.palms, one, (*ARMS, *TRUNK)).min(), 0.25, "hands stay {} m from the one"),
    )
