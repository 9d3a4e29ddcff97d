"""Did it happen? A geometric measure for every interaction, on the joints of two people alone.

A measure is blind to where the two are and which way they are turned, to left and right, and to who is who:
each rule is tried with either person in either role.
"""

from collections.abc import Callable

import numpy as np

from intermamba.errors import IntermambaError

from . import dancing, fighting, helping, meeting, walking
from .signals import Person, distance
from .verdict import Verdict, all_of, any_of, at_most

Measure = Callable[[np.ndarray, float], Verdict]
Rule = Callable[[Person, Person], Verdict]

TOGETHER = 5.0  # m; people who never come nearer do nothing with each other

RULES: tuple[Rule, ...] = (
    meeting.bow,
    meeting.handshake,
    meeting.high_five,
    meeting.embrace,
    fighting.push,
    fighting.punch,
    fighting.kick,
    fighting.sparring,
    fighting.shadow_guard,
    walking.walk_past,
    walking.walk_beside,
    walking.hold_hands_walk,
    walking.lead_by_hand,
    walking.follow,
    walking.chase,
    walking.circle,
    dancing.mirror_arms,
    dancing.dance_watch,
    dancing.salsa,
    dancing.underarm_turn,
    dancing.jump_together,
    dancing.celebrate,
    helping.crouch,
    helping.hand_over_box,
    meeting.direct_signals,
    dancing.cartwheel,
    meeting.pat_shoulder,
    meeting.wave,
    meeting.talk_listen,
    helping.help_up,
    fighting.knock_down,
    walking.step_knee,
)


def judge(name: str, joints: np.ndarray, fps: float = 30.0) -> Verdict:
    """Whether the interaction `name` happens in joints (2, T, 22, 3): metres, Y up, floor at 0.

    Raises IntermambaError for a name without a measure and for joints of another shape.
    """
    if name not in MEASURES:
        raise IntermambaError(f"There is no measure of {name!r}; choose one of {', '.join(MEASURES)}.")
    return MEASURES[name](joints, fps)


def _measure(rule: Rule) -> Measure:
    def measure(joints: np.ndarray, fps: float) -> Verdict:
        if joints.ndim != 4 or joints.shape[0] != 2 or joints.shape[1] < 2 or joints.shape[2:] != (22, 3):
            raise IntermambaError(f"A measure needs joints of shape (2, frames, 22, 3), not {joints.shape}.")
        one, other = (Person(person, fps) for person in joints.astype(float))
        near = at_most(distance(one, other).min(), TOGETHER, "they come within {} m")
        return all_of(any_of(rule(one, other), rule(other, one)), near)

    measure.__doc__ = rule.__doc__
    return measure


MEASURES: dict[str, Measure] = {rule.__name__: _measure(rule) for rule in RULES}

# What a clip of an interaction may rightly show beside it.
RELATED: dict[str, frozenset[str]] = {
    kind: frozenset(measures.split())
    for kind, measures in {
        "high_five": "celebrate walk_past",  # hands are high; who walks on has passed
        "push": "punch",
        "punch": "push",  # a hard one drives the other back
        "sparring": "punch push kick",
        "knock_down": "punch push kick",
        "hold_hands_walk": "walk_beside lead_by_hand",
        "lead_by_hand": "walk_beside hold_hands_walk follow",
        "chase": "follow",
        "circle": "shadow_guard",  # fighters who circle copy each other's steps
        "mirror_arms": "celebrate wave direct_signals",  # the arms that are mirrored may be raised
        "salsa": "underarm_turn",
        "underarm_turn": "salsa",
        "jump_together": "celebrate mirror_arms",
        "celebrate": "jump_together mirror_arms",
        "wave": "celebrate mirror_arms direct_signals",
        "direct_signals": "talk_listen wave",  # gestures are gestures
        "talk_listen": "direct_signals",
        "step_knee": "mirror_arms",
        "help_up": "handshake",
    }.items()
}
