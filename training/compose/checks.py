"""What a duet must hold to be written: feet that stand, bodies apart, touches that touch, no pops, and what it says."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from intermamba.motion.collide import overlaps
from intermamba.motion.metrics import foot_skate
from intermamba.motion.skeleton import ARMS, FEET, LEGS
from intermamba.motion.touch import Touch, touch_distance

from .body import FPS
from .sequence import jolts

# Mean speed (cm/s) of the balls of standing feet.
MOST_SKATE = 18.0
# How deep (m) bodies may be in each other outside meant contact, in the worst twentieth of frames.
MOST_DEPTH = 0.03
# How far (m) touching points may be apart in the worst tenth of full contact.
MOST_MISS = 0.05
# The sharpest bend (radians, of 0 to pi) of elbows and knees.
MOST_BEND = np.radians(165.0)
# The most that a joint's acceleration changes (m/s^2) from one frame to the next.
MOST_POP = 400.0
# The lowest foot joint (m).
LOWEST = -0.01

Failure = tuple[str, str]


def check(joints: np.ndarray, touches: Sequence[Touch], patting: Sequence[bool], name: str) -> Failure | None:
    """The first check that joints (2, T, 22, 3) fail, by its name and with its figure; None when all is well."""
    if not np.isfinite(joints).all():
        return "numbers", "joints that are not numbers"
    for look in (_feet, _limbs, _pops):
        failure = look(joints)
        if failure:
            return failure
    for touch, pats in zip(touches, patting, strict=True):
        miss = float(np.percentile(touch_distance(joints, touch), 10 if pats else 90))
        if miss > MOST_MISS:
            return "touch", f"{touch.point} is {100 * miss:.0f} cm from {touch.on}"
    return _depth(joints, touches) or _judged(joints, name)


def _feet(joints: np.ndarray) -> Failure | None:
    skate = max(foot_skate(person, FPS) for person in joints)
    if skate > MOST_SKATE:
        return "skate", f"feet slide at {skate:.0f} cm/s"
    lowest = float(joints[:, :, FEET, 1].min())
    if lowest < LOWEST:
        return "floor", f"a foot is {-100 * lowest:.1f} cm under the floor"
    return None


def _limbs(joints: np.ndarray) -> Failure | None:
    for _, upper, middle, end in (*ARMS, *LEGS):
        a, b = joints[..., middle, :] - joints[..., upper, :], joints[..., end, :] - joints[..., middle, :]
        cosine = np.einsum("...i,...i->...", a, b) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
        if cosine.min() < np.cos(MOST_BEND):
            return "joints", "an elbow or a knee is folded flat"
    return None


def _pops(joints: np.ndarray) -> Failure | None:
    """A change of acceleration that no muscle makes: the third difference over one frame."""
    jump = jolts(joints)
    if jump.max() > MOST_POP:
        k, t, joint = np.unravel_index(int(jump.argmax()), jump.shape)
        return "pop", f"joint {joint} of person {k} jumps at frame {t + 1} ({jump.max():.0f} m/s2 in a frame)"
    return None


def _depth(joints: np.ndarray, touches: Sequence[Touch]) -> Failure | None:
    found = overlaps(joints, touches)
    depth = np.zeros(joints.shape[1])
    np.maximum.at(depth, found.frame, found.depth)
    worst = float(np.percentile(depth, 95))
    if worst > MOST_DEPTH:
        return "penetration", f"bodies are {100 * worst:.0f} cm in each other"
    return None


def _judged(joints: np.ndarray, name: str) -> Failure | None:
    """What the interaction's own measure says, where there is one."""
    try:
        measures = import_module("training.evaluate.interactions")
    except ModuleNotFoundError:
        return None
    if name not in measures.MEASURES:
        return None
    verdict = measures.judge(name, joints, FPS)
    return None if verdict.passed else ("measure", verdict.why)
