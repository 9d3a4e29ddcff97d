"""Measures of dancing and play: salsa, turns, a dance to watch, mirrored arms, jumps, celebration, cartwheel."""

import numpy as np

from intermamba.motion.skeleton import HEAD, L_SHOULDER, R_SHOULDER

from .signals import Person, distance, face_to_face, facing, hand_gaps, hand_in_hand, likeness, rate
from .verdict import Verdict, all_of, at_least, at_most

HELD = 0.42  # m, palm to palm of dancers who hold hands: palms of captures lie apart when fingers are hooked


def salsa(one: Person, other: Person) -> Verdict:
    """Both step on and on, near each other and about one place, with hands joined much of the time."""
    held = hand_gaps(one, other).min(axis=(0, 1)) < HELD
    guard = one.guarded & other.guarded & ~held
    drift = max(float(np.linalg.norm(p.route[-1] - p.route[0])) for p in (one, other))
    return all_of(
        at_most(np.median(distance(one, other)), 1.4, "they are {} m apart"),
        at_least(min(p.foot_speed.mean() for p in (one, other)), 0.25, "their feet move at {} m/s"),
        at_least(min(_steps(p) for p in (one, other)), 1.0, "each takes {} steps a second"),
        at_least(held.mean(), 0.3, "hands are joined for {} of the time"),
        at_most(drift, 2.5, "they end {} m from where they began"),
        at_most(guard.mean(), 0.3, "free fists are up for {} of the time"),
    )


def underarm_turn(one: Person, other: Person) -> Verdict:
    """One turns round under a hand that the other holds up."""
    gaps = hand_gaps(one, other)
    high = (np.minimum(one.raised[:, None], other.raised[None]) > -0.15) & (gaps < 0.4)
    led = one.total(high.reshape(4, -1).max(axis=0))
    return all_of(
        at_least(_most_turn(other), 210.0, "the other turns by {} degrees"),
        at_most(distance(one, other).min(), 1.2, "they come within {} m"),
        at_least(led, 0.3, "their hands are up together for {} s"),
    )


def dance_watch(one: Person, other: Person) -> Verdict:
    """One dances about a place, arms and feet; the other stands and looks on."""
    steps = (one.lately(one.foot_speed.max(axis=0), 0.4) > 0.25) & (one.speed < 0.8)
    return all_of(
        at_least(steps.mean(), 0.25, "one steps about for {} of the time"),
        at_least(one.hand_speed.max(axis=0).mean(), 0.5, "the dancer's hands move at {} m/s"),
        at_least(one.foot_speed.max(axis=0).mean(), 0.25, "the dancer's feet move at {} m/s"),
        at_most(other.hand_speed.max(axis=0).mean(), 0.35, "the other's hands move at {} m/s"),
        at_most(other.foot_speed.max(axis=0).mean(), 0.25, "the other's feet move at {} m/s"),
        at_least(np.median(facing(other, one)), 0.4, "the other looks at the dancer with a cosine of {}"),
        at_least(distance(one, other).min(), 0.65, "they stay {} m apart"),
        at_most(np.abs(other.bend).max(), 25.0, "the other bends by {} degrees"),
        at_least(one.upright.min(), 0.2, "the head is {} m over the pelvis"),
        at_most(one.guarded.mean(), 0.85, "the fists are up for {} of the time"),
    )


def mirror_arms(one: Person, other: Person) -> Verdict:
    """Face to face, one's arms do on and on what the other's do, as in a mirror or as a copy."""
    flip = np.array([-1.0, 1.0, 1.0])
    lag = round(0.6 * one.fps)
    a, b = (rate(p.gestures, one.fps, axis=1) for p in (one, other))
    alike = max(likeness(a, b[::-1] * flip, lag), likeness(a, b, lag))
    busy = min(p.total(p.hand_speed.max(axis=0) > 0.3) for p in (one, other))
    return all_of(
        at_least(np.median(face_to_face(one, other)), 0.5, "they face each other with a cosine of {}"),
        at_least(busy, 0.8, "both move their hands for {} s"),
        at_least(alike, 0.65, "the arms move alike with a correlation of {}"),
        at_most(max(np.percentile(p.speed, 80) for p in (one, other)), 0.4, "they walk at {} m/s"),
        at_least(hand_gaps(one, other).min(), 0.15, "hands stay {} m apart"),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.95, "the fists are up for {} of the time"),
    )


def jump_together(one: Person, other: Person) -> Verdict:
    """Both are in the air at about the same time."""
    flights = [p.lift.min(axis=0) for p in (one, other)]
    both = np.minimum(flights[0], one.soon(one.lately(flights[1], 0.4), 0.4))
    rise = min(p.stature.max() - np.median(p.stature) for p in (one, other))
    return all_of(
        at_least(min(f.max() for f in flights), 0.08, "both feet of each are {} m over the floor"),
        at_least(both.max(), 0.08, "at the same time they are {} m over it"),
        at_least(rise, 0.06, "the pelvis rises by {} of its standing height"),
    )


def celebrate(one: Person, other: Person) -> Verdict:
    """Both throw up their arms or fists about the same time."""
    ups = [_up(p) & (p.stature > 0.75) & (p.upright.min() > 0.0) for p in (one, other)]
    both = ups[0] & one.soon(one.lately(ups[1], 1.5), 1.5)
    return all_of(
        *(
            at_least(p.total(up), 0.2, "arms are up for {} s")
            for p, up in zip((one, other), ups, strict=True)
        ),
        at_least(one.total(both), 0.15, "both are up together for {} s"),
        at_least(min(p.hand_speed.max() for p in (one, other)), 0.5, "hands move at up to {} m/s"),
        at_most(distance(one, other).min(), 3.5, "they come within {} m"),
        at_most(hand_in_hand(one, other), 0.45, "they are hand in hand for {} of the time"),
        at_most(max(p.guarded.mean() for p in (one, other)), 0.6, "the fists are up for {} of the time"),
    )


def cartwheel(one: Person, other: Person) -> Verdict:
    """One goes head down, feet over the head, while the other stands and looks on."""
    over = one.feet[..., 1].max(axis=0) - one.joints[:, HEAD, 1]
    return all_of(
        at_least(-one.upright.min(), 0.1, "the head is {} m below the pelvis"),
        at_least(over.max(), 0.3, "a foot is {} m over the head"),
        at_least(one.stature[-5:].mean(), 0.5, "the pelvis ends at {} of its standing height"),
        at_least(other.stature.min(), 0.8, "the other stands at {} of the standing height"),
        at_least(distance(one, other).min(), 0.2, "they stay {} m apart"),
        at_least(np.percentile(facing(other, one), 75), 0.3, "the other looks on with a cosine of {}"),
    )


def _up(one: Person) -> np.ndarray:
    """Whether (T,) a hand is over the head, or both are well over the shoulders."""
    head = (one.joints[:, (HEAD,), 1] - one.joints[:, (L_SHOULDER, R_SHOULDER), 1]).mean(axis=1)
    return (one.raised.max(axis=0) > head + 0.05) | (one.raised.min(axis=0) > 0.15)


def _steps(one: Person) -> float:
    """Steps a second: how often a foot sets off."""
    moving = one.foot_speed > 0.4
    return float((np.diff(moving.astype(int), axis=1) > 0).sum() / (one.frames / one.fps))


def _most_turn(one: Person) -> float:
    """Degrees of the longest way round within 3.5 s."""
    lags = range(1, min(round(3.5 * one.fps), one.frames - 1) + 1)
    return max((float(np.abs(one.turned[lag:] - one.turned[:-lag]).max()) for lag in lags), default=0.0)
