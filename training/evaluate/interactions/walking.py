"""Measures of walking together: past, beside, hand in hand, by the hand, after, round each other, and a step."""

import numpy as np

from .signals import (
    Person,
    ahead_and_beside,
    distance,
    dot,
    facing,
    hand_gaps,
    hand_in_hand,
    left_of,
    same_course,
    toward,
)
from .verdict import Verdict, all_of, at_least, at_most

WALKING = 0.4  # m/s
RUNNING = 1.8  # m/s
SAME_WAY = 0.7  # cosine
JOINED = 0.25  # m, palm to palm of hands that are held


def walk_past(one: Person, other: Person) -> Verdict:
    """The two walk in opposite directions, meet, and go on."""
    routes = [p.route[-1] - p.route[0] for p in (one, other)]
    lengths = [float(np.linalg.norm(route)) for route in routes]
    course = dot(routes[0], routes[1]) / max(lengths[0] * lengths[1], 1e-9)
    gap = dot(other.place - one.place, routes[0] / max(lengths[0], 1e-9))
    return all_of(
        at_least(min(lengths), 0.8, "each gets {} m further"),
        at_least(-float(course), 0.6, "they go opposite ways with a cosine of -{}"),
        at_least(gap[0], 0.4, "they start with {} m between them along the way"),
        at_least(-gap[-1], 0.3, "they end {} m past each other"),
        at_most(distance(one, other).min(), 1.8, "they meet within {} m"),
    )


def walk_beside(one: Person, other: Person) -> Verdict:
    """Side by side on the same course."""
    when = _beside(one, other)
    return all_of(
        at_least(min(one.path, other.path), 1.0, "each walks {} m"),
        at_least(one.longest(_together(one, other)), 1.0, "they go the same way for {} s"),
        at_least(one.longest(when), 1.0, "they are side by side for {} s"),
        at_least(when.mean(), 0.4, "they are side by side for {} of the time"),
    )


def hold_hands_walk(one: Person, other: Person) -> Verdict:
    """Side by side on the same course, hand in hand."""
    when = _beside(one, other)
    joined = when & _joined(one, other)
    return all_of(
        walk_beside(one, other),
        at_least(one.total(joined), 0.8, "hand in hand for {} s"),
        at_least(joined.sum() / max(when.sum(), 1), 0.5, "hand in hand for {} of that walk"),
    )


def lead_by_hand(one: Person, other: Person) -> Verdict:
    """One walks ahead, the other comes after, held by the hand."""
    ahead, beside = ahead_and_beside(other, one)
    when = _together(one, other) & (ahead > 0.2) & (ahead > 0.7 * np.abs(beside))
    joined = when & _joined(one, other)
    return all_of(
        at_least(min(one.path, other.path), 0.8, "each walks {} m"),
        at_least(one.longest(when), 0.8, "one walks ahead of the other for {} s"),
        at_least(one.total(joined), 0.8, "hand in hand for {} s"),
        at_least(joined.sum() / max(when.sum(), 1), 0.5, "hand in hand for {} of that walk"),
    )


def follow(one: Person, other: Person) -> Verdict:
    """One walks ahead, and the other walks after, at some distance."""
    when = _after(one, other)
    return all_of(
        at_least(min(one.path, other.path), 1.2, "each walks {} m"),
        at_least(one.longest(when), 1.2, "one walks after the other for {} s"),
        at_least(when.mean(), 0.4, "one walks after the other for {} of the time"),
        at_most((when & _joined(one, other)).mean(), 0.2, "hand in hand for {} of the time"),
    )


def chase(one: Person, other: Person) -> Verdict:
    """One runs ahead, and the other runs after."""
    when = _after(one, other)
    speed = min(float(np.median(p.speed[when])) if when.any() else 0.0 for p in (one, other))
    return all_of(
        at_least(min(one.path, other.path), 2.0, "each runs {} m"),
        at_least(one.longest(when), 0.8, "one is after the other for {} s"),
        at_least(speed, RUNNING, "they run at {} m/s"),
    )


def circle(one: Person, other: Person) -> Verdict:
    """The two go round each other at an even distance, each on a bend."""
    gap = other.route - one.route
    apart = np.linalg.norm(gap, axis=-1)
    angle = np.degrees(np.unwrap(np.arctan2(gap[:, 0], gap[:, 1])))
    sideways = [np.abs(dot(p.velocity, left_of(toward(one, other)))) for p in (one, other)]
    moving = np.minimum(*sideways) > 0.15
    return all_of(
        at_least(-same_course(one, other).mean(), 0.3, "they go opposite ways with a cosine of -{}"),
        at_least(abs(angle[-1] - angle[0]), 100.0, "they go round each other by {} degrees"),
        at_least(moving.mean(), 0.5, "both go round for {} of the time"),
        at_least(min(one.path, other.path), 0.8, "each walks {} m"),
        at_least(min(_bend(p) for p in (one, other)), 60.0, "the way of each bends by {} degrees"),
        at_least(apart.min() / apart.max(), 0.4, "the nearest is {} of the farthest distance"),
        at_most(apart.max(), 4.5, "they are up to {} m apart"),
    )


def _bend(one: Person) -> float:
    """Degrees by which the course of someone who walks changes from first to last."""
    course = one.velocity[one.speed > 0.3]
    if len(course) < 2:
        return 0.0
    angle = np.unwrap(np.arctan2(course[:, 0], course[:, 1]))
    return float(np.degrees(abs(angle[-1] - angle[0])))


def step_knee(one: Person, other: Person) -> Verdict:
    """One steps to the right with the left knee bent, the other to the left with the right knee bent."""
    right, left = _side_step(one, "right"), _side_step(other, "left")
    near = np.minimum(right, other.soon(other.lately(left, 1.5), 1.5))
    return all_of(
        at_least(right.max(), 0.15, "one steps {} m to the right with the left knee bent"),
        at_least(left.max(), 0.15, "the other steps {} m to the left with the right knee bent"),
        at_least(near.max(), 0.15, "both do within 1.5 s, by {} m"),
        at_least(min(p.upright.min() for p in (one, other)), 0.2, "the head is {} m over the pelvis"),
        at_most(max(p.path for p in (one, other)), 2.5, "they walk {} m"),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.4, "the fists are up for {} of the time"),
        at_most(max(_hands_up(p) for p in (one, other)), 0.2, "a hand is up for {} of the time"),
        at_most(hand_in_hand(one, other), 0.45, "they are hand in hand for {} of the time"),
    )


def _together(one: Person, other: Person) -> np.ndarray:
    return (one.speed > WALKING) & (other.speed > WALKING) & (same_course(one, other) > SAME_WAY)


def _beside(one: Person, other: Person) -> np.ndarray:
    ahead, beside = ahead_and_beside(one, other)
    side = np.abs(beside)
    return _together(one, other) & (side > 0.3) & (side < 1.7) & (np.abs(ahead) < 0.7 * side)


def _after(one: Person, other: Person) -> np.ndarray:
    """Whether (T,) the other goes the same way behind one."""
    ahead, beside = ahead_and_beside(other, one)
    looks = facing(other, one) > 0.3
    return _together(one, other) & (ahead > 0.4) & (ahead < 5.0) & (np.abs(beside) < 0.8 * ahead) & looks


def _joined(one: Person, other: Person) -> np.ndarray:
    return hand_gaps(one, other).min(axis=(0, 1)) < JOINED


def _side_step(one: Person, way: str) -> np.ndarray:
    """How far (T,) one gets to a side in the second after each frame, the other side's knee bending meanwhile."""
    sign, knee = (-1.0, 0) if way == "right" else (1.0, 1)
    moved = sign * dot(one.moved(1.2), left_of(one.forward))
    forward = np.abs(dot(one.moved(1.2), one.forward))
    bent = one.soon(one.knees[knee], 1.5) > 35.0
    return np.where(bent & (forward < moved), np.maximum(moved, 0.0), 0.0)


def _hands_up(one: Person) -> float:
    """Share of the time in which a palm is above the chest."""
    return float((one.raised.max(axis=0) > -0.2).mean())
