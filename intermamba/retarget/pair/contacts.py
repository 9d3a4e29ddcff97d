"""Contacts of a pair as spans of time, and how far a retargeted pair is from keeping them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...motion.body_points import BODY_POINTS
from ...motion.find_touches import touches_of
from ...motion.motion import Motion
from ...motion.touch import Touch, touch_distance
from .bodies import Pair

NEAR = 0.13  # m; what was asked for and comes no nearer in the source could not be made real
HURRY = 0.3  # s; on other bodies the way from one place to the next is too far for less


@dataclass(frozen=True)
class Contact:
    """A touch between two people, and how strongly it is kept when their bodies change: 0 (not at all) to 1."""

    touch: Touch
    strength: float = 1.0


def find_contacts(motion: Motion) -> list[Contact]:
    """The contacts of a motion in order of time.

    Of two between which a hand or foot has no time to change its place, the longer one.
    """
    real = [t for t in touches_of(motion) if np.median(touch_distance(motion.joints, t)) < NEAR]
    kept: list[Touch] = []
    for touch in sorted(real, key=lambda touch: touch.start - touch.stop):
        if not any(_hurried(touch, other, HURRY * motion.fps) for other in kept):
            kept.append(touch)
    return [Contact(touch) for touch in sorted(kept, key=lambda touch: touch.start)]


def _hurried(one: Touch, other: Touch, frames: float) -> bool:
    """Whether a hand or foot would have less than so many frames from one place to another."""
    if {end[:2] for end in one.ends} == {end[:2] for end in other.ends}:
        return False
    apart = max(one.start - other.stop, other.start - one.stop)
    return apart < frames and bool(one.limbs & other.limbs)


def kept_relation(source: Pair, target: Pair, touch: Touch) -> np.ndarray:
    """Vector (T,3) from the touched to the touching point on the target's bodies, as the source has it, scaled."""
    sizes = target.girth if BODY_POINTS[touch.on].limb else target.girth[[1 - touch.person]]
    return float(sizes.mean()) * relation(source, touch)


def relation(pair: Pair, touch: Touch) -> np.ndarray:
    """Vector (T,3) from the touched point to the touching one."""
    return pair.point(touch.person, touch.point) - pair.point(1 - touch.person, touch.on, touch.offset)


def contact_distance(source: Pair, target: Pair, contacts: Sequence[Contact]) -> list[np.ndarray]:
    """For every contact how far (m) the points are from where they belong, in its frames of full contact."""
    out = []
    for contact in contacts:
        during = slice(max(contact.touch.start, 0), contact.touch.stop)
        error = relation(target, contact.touch) - kept_relation(source, target, contact.touch)
        out.append(np.linalg.norm(error[during], axis=-1))
    return out
