"""Keeping contacts on other bodies: damped least squares over two bodies' arms, spines and legs, frame by frame.

Every iteration linearises contact pairs, planted feet and depths at the corrections x so far, and takes the step d
that minimises |W (J d + r)|^2 + (x + d)' L (x + d) + m |x + d - s + u|^2_L. With fewer rows than freedoms it is
solved in its dual form, all frames at once. Frames hang together by s, the Gaussian average of x + u over time, after
Lee and Shin 1999 (hierarchical displacement maps), and by u, the sum of all x - s so far, which presses until what is
asked of the frames and what is smooth are the same (the multipliers of ADMM, Boyd et al. 2011); contact pairs as in
Gleicher 1998.
"""

from collections.abc import Sequence

import numpy as np

from ...motion.adjust import standing
from ...motion.body_points import BODY_POINTS
from ...motion.collide import BONE_RADII, Overlaps, nearest_on_segments, overlaps, strongest
from ...motion.filters import fit_paths, gaussian_smooth
from ...motion.kinematics import global_rotations
from ...motion.metrics import penetration_depth
from ...motion.placement import TOE_HEIGHT
from ...motion.rotations import normalise, quat_apply
from ...motion.skeleton import FEET, JOINTS, LEGS, PARENTS, PELVIS, SPINE3
from ...motion.touch import Touch
from .bodies import Pair
from .contacts import Contact, kept_relation, relation
from .freedoms import EASE, FREEDOMS, MOVES, Hinges, Levers, advance, apply

# Iterations, and those that begin from the smooth corrections: bodies are no longer pushed apart then.
ITERATIONS, LAST = 20, 4
# How exactly (m) contacts, and standing and stepping feet are kept: what cannot be reached moves no foot. Depths are
# kept more and more exactly, for limbs must find their way round first.
CONTACT, STANCE, STEP, DEPTH = 0.003, 0.0005, 0.01, (0.03, 0.006)
# The weight that holds the ball of a foot on the floor, and the height (m) over which it falls to a third.
HOLD, LIFTS = 1e5, 0.012
# Weight of smoothness beside nearness to the pose, and the Gaussian's sigma in frames at 30 fps.
SMOOTHNESS, SMOOTHING = 30.0, 1.5
# The most of its usual reach that a freedom goes in one step; how often
# its reach it goes before it stiffens, and how steeply.
MOST_STEP, STIFFENS = 3.0, (2.0, 30.0)
# How far (radians, squared) an elbow or knee that is at the end of its bend goes on: the rest of the body goes instead.
STUCK = 1e-9
# Depths: how much less (m) than the source's is asked for, since some of it is not got; how near (m) counts; the share
# of their thickness from which limbs are on the wrong side of each other; pairs of bones looked at in each frame.
SPARE, NEAR, ASTRAY, PAIRS = 0.01, 0.03, 0.8, 12
# How often footholds that are in each other are parted.
PARTINGS = 8


def keep_contacts(
    source: Pair,
    target: Pair,
    contacts: Sequence[Contact],
    fps: float,
    joints: Sequence[set[int]] | None = None,
) -> Pair:
    """The target's bodies in the pose nearest to theirs that keeps the source's contacts, footholds and distances.

    `joints` are those that each rig has; the others do not turn.
    """
    contacts = [contact for contact in contacts if contact.strength > 0.0]
    hinges = Hinges(target.joints, target.rotations)
    rows = _Rows(source, target, contacts, fps)
    stiff = _stiffness(joints)
    x = np.zeros((2, target.joints.shape[1], FREEDOMS))
    pair, smooth, debt = target, x, x
    for n in range(ITERATIONS + LAST):
        if n < ITERATIONS:
            smooth = gaussian_smooth(x + debt, SMOOTHING * fps / 30.0, axis=1)
            debt = debt + x - smooth
        prior = _prior(x, smooth - debt, stiff) if n < ITERATIONS else (smooth, stiff)
        depth = float(np.interp(n, (0, ITERATIONS - 1), DEPTH)) if n < ITERATIONS else None
        x = hinges.limited(advance(x, _step(x, rows, pair, hinges, prior, depth)))
        pair = target.moved(apply(x, target.rotations, hinges), target.root + x[..., :3])
    return pair


def _stiffness(joints: Sequence[set[int]] | None) -> np.ndarray:
    """Weight (2,1,37) that holds each freedom to its pose."""
    out = np.tile(1.0 / np.square(EASE), (2, 1, 1))
    for person, has in enumerate(joints or ()):
        for joint in set(range(len(MOVES))) - has:
            own = MOVES[joint] & ~MOVES[max(int(PARENTS[joint]), 0)]
            out[person, 0, own] = 1e9
    return out


def _prior(x: np.ndarray, smooth: np.ndarray, stiff: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corrections (2,T,37) near the pose and the smooth ones, and how firmly the next ones are drawn there."""
    harder = 1.0 + STIFFENS[1] * np.maximum(np.abs(x) / (STIFFENS[0] * EASE) - 1.0, 0.0) ** 2
    total = stiff * (harder + SMOOTHNESS)
    return SMOOTHNESS * stiff * smooth / total, total


def _step(
    x: np.ndarray,
    rows: "_Rows",
    pair: Pair,
    hinges: Hinges,
    prior: tuple[np.ndarray, np.ndarray],
    depth: float | None,
) -> np.ndarray:
    """The least squares' next step (2,T,37); with `depth` (m), bodies are kept from each other so exactly too."""
    to, give = _by_frame(prior[0] - x), _by_frame(np.broadcast_to(1.0 / prior[1], x.shape))
    levers = Levers(pair.joints, pair.rotations, hinges)
    jacobian, residual, inverse = rows.linear(pair, levers)
    step = _dual(jacobian, residual, inverse, to, give)
    wanted = x + _by_person(step)
    limited = hinges.limited(wanted)
    stuck = _by_frame(limited != wanted)
    to, give = np.where(stuck, _by_frame(limited - x), to), np.where(stuck, STUCK, give)
    if depth:
        lever, room = rows.depths(pair, levers)
        tight = np.einsum("tmk,tk->tm", lever, step) < room
        jacobian = np.concatenate([jacobian, lever * tight[..., None]], axis=1)
        residual = np.concatenate([residual, np.where(tight, -room, 0.0)], axis=1)
        inverse = np.concatenate([inverse, np.where(tight, depth**2, 1.0)], axis=1)
    step = _by_person(_dual(jacobian, residual, inverse, to, give))
    return np.clip(step, -MOST_STEP * EASE, MOST_STEP * EASE)


def _by_frame(values: np.ndarray) -> np.ndarray:
    """Values (2,T,37) as (T,74)."""
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)


def _by_person(values: np.ndarray) -> np.ndarray:
    """Values (T,74) as (2,T,37)."""
    return values.reshape(len(values), 2, FREEDOMS).transpose(1, 0, 2)


def _dual(
    jacobian: np.ndarray, residual: np.ndarray, inverse: np.ndarray, to: np.ndarray, give: np.ndarray
) -> np.ndarray:
    """The step d (T,74) that minimises |J d + r|^2 / inverse + |d - to|^2 / give, for J (T,M,74) and r (T,M)."""
    eased = jacobian * give[:, None]
    normal = eased @ np.swapaxes(jacobian, -1, -2)
    diagonal = np.arange(normal.shape[-1])
    normal[:, diagonal, diagonal] += inverse
    error = residual + np.einsum("tmk,tk->tm", jacobian, to)
    return to - np.einsum("tmk,tm->tk", eased, np.linalg.solve(normal, error[..., None])[..., 0])


class _Rows:
    """What the least squares asks of two bodies, in every frame."""

    def __init__(self, source: Pair, target: Pair, contacts: Sequence[Contact], fps: float) -> None:
        self.frames = target.joints.shape[1]
        self.joints = source.joints
        self.contacts = _slots(contacts, self.frames)
        self.goals = _goals(source, target, contacts)
        self.touches = [contact.touch for contact in contacts]
        self.allowed = _allowed(source, self.touches, float(target.girth.mean()))
        self.ankles, stands = _footholds(source, target, self.allowed, fps)
        self.foot_inverse = np.square(STEP + stands * (STANCE - STEP))

    def linear(self, pair: Pair, levers: Levers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Jacobian (T,M,74), residual (T,M) and inverse weights (T,M) of feet and contacts."""
        count = 12 + 3 * len(self.contacts)
        jacobian = np.zeros((self.frames, count, 2 * FREEDOMS))
        residual, inverse = np.zeros((self.frames, count)), np.ones((self.frames, count))
        for n in range(4):
            person, leg = n // 2, LEGS[n % 2]
            row, ankle = slice(3 * n, 3 * n + 3), pair.joints[person, :, leg[3]]
            jacobian[:, row, _columns(person)] = levers.of(person, ankle, MOVES[leg[2]])
            residual[:, row] = ankle - self.ankles[person, :, n % 2]
            inverse[:, row] = self.foot_inverse[person, :, n % 2, None]
        for n, slot in enumerate(self.contacts):
            row = slice(12 + 3 * n, 15 + 3 * n)
            for contact in slot:
                touch, span = contact.touch, contact.touch.span(self.frames)
                goal, weight = self.goals[id(contact)]
                for sign, person, name, offset in (
                    (1.0, touch.person, touch.point, (0.0, 0.0, 0.0)),
                    (-1.0, 1 - touch.person, touch.on, touch.offset),
                ):
                    moves = MOVES[_turns_with(name)]
                    moved = sign * levers.of(person, pair.point(person, name, offset), moves)[span]
                    jacobian[span, row, _columns(person)] = moved
                residual[span, row] = (relation(pair, touch) - goal)[span]
                inverse[span, row] = CONTACT**2 / np.maximum(weight[span], 1e-6)[:, None]
        return jacobian, residual, inverse

    def depths(self, pair: Pair, levers: Levers) -> tuple[np.ndarray, np.ndarray]:
        """How the deepest pairs of bones part (T,PAIRS,74), and by how much (m) they must at least (T,PAIRS)."""
        lever = np.zeros((self.frames, PAIRS, 2 * FREEDOMS))
        room = np.full((self.frames, PAIRS), -np.inf)
        found = overlaps(pair.joints, (), -NEAR, pair.girth)
        normals = _ways_out(self.joints, found, pair.girth)
        much = found.depth - self.allowed[found.frame, *found.bones]
        order = np.lexsort((-much, found.frame))
        frame = found.frame[order]
        place = np.arange(len(frame)) - np.searchsorted(frame, frame)
        for n in range(PAIRS):
            chosen = order[place == n]
            at = found.frame[chosen]
            room[at, n] = much[chosen]
            for person, sign in ((0, 1.0), (1, -1.0)):
                bone = np.ones(self.frames, dtype=int)
                share, normal = np.zeros(self.frames), np.zeros((self.frames, 3))
                bone[at], share[at] = found.bones[person, chosen], found.along[person, chosen]
                normal[at] = sign * normals[chosen]
                every = np.arange(self.frames)
                ends = pair.joints[person][every, bone], pair.joints[person][every, PARENTS[bone]]
                point = ends[1] + share[:, None] * (ends[0] - ends[1])
                moved = levers.of(person, point, MOVES[PARENTS[bone]])
                lever[:, n, _columns(person)] = np.einsum("ti,tik->tk", normal, moved)
        return lever, room


def _ways_out(source: np.ndarray, found: Overlaps, girth: np.ndarray) -> np.ndarray:
    """Directions (N,3) in which bones part: the deeper they are in each other, the more as in the source (2,T,22,3).

    A limb that went through the other's axis is so led back to the side where it belongs.
    """
    first, second = (
        (source[n, found.frame, PARENTS[bone]], source[n, found.frame, bone])
        for n, bone in enumerate(found.bones)
    )
    s, t = nearest_on_segments(*first, *second)
    between = first[0] + s[:, None] * (first[1] - first[0]) - second[0] - t[:, None] * (second[1] - second[0])
    thick = girth @ BONE_RADII[found.bones - 1]
    inside = np.clip(found.depth / (ASTRAY * thick), 0.0, 1.0)[:, None]
    return normalise((1.0 - inside) * found.normal + inside * normalise(between))


def _allowed(source: Pair, touches: Sequence[Touch], girth: float) -> np.ndarray:
    """How deep (T,22,22) in metres the first's bones may be in the second's: no deeper than in the source.

    What a touch brings together is compared with itself there, all else with what is deepest.
    """
    found, frames = overlaps(source.joints), source.joints.shape[1]
    own = np.zeros((frames, JOINTS, JOINTS))
    own[found.frame, *found.bones] = found.depth
    own = np.maximum(own, penetration_depth(source.joints, touches)[:, None, None])
    return np.maximum(gaussian_smooth(girth * own, 2.0, 0), 0.0) - SPARE


def _columns(person: int) -> slice:
    return slice(person * FREEDOMS, (person + 1) * FREEDOMS)


def _turns_with(name: str) -> int:
    """The joint that a body point turns with."""
    point = BODY_POINTS[name]
    if point.start != point.end or point.start in (SPINE3, PELVIS):
        return point.start
    return int(PARENTS[point.start])


def _slots(contacts: Sequence[Contact], frames: int) -> list[list[Contact]]:
    """Contacts in as few rows as hold them, those that follow each other in the same one."""
    slots: list[list[Contact]] = []
    for contact in sorted(contacts, key=lambda contact: contact.touch.span(frames).start):
        begins = contact.touch.span(frames).start
        free = (slot for slot in slots if slot[-1].touch.span(frames).stop <= begins)
        slot = next(free, None)
        if slot is None:
            slots.append([contact])
        else:
            slot.append(contact)
    return slots


def _goals(
    source: Pair, target: Pair, contacts: Sequence[Contact]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """By the id of each contact the relation (T,3) to be reached, and its weight (T,), 0 to 1.

    The goal fades in from the target's own relation. Where a hand goes from one contact to the next it does not fade
    between: the one weight falls as the other rises, and where one is full the other has none.
    """
    frames = target.joints.shape[1]
    full = np.zeros((len(contacts), frames))
    for row, contact in zip(full, contacts, strict=True):
        row[contact.touch.span(frames)] = contact.strength * contact.touch.weight(frames)
    same = [[bool(one.touch.limbs & other.touch.limbs) for other in contacts] for one in contacts]
    others = np.array(same, dtype=bool).reshape(len(full), len(full)) & ~np.eye(len(full), dtype=bool)
    claims = [
        np.square(row) * np.prod(1.0 - full[other], axis=0) for row, other in zip(full, others, strict=True)
    ]
    out = {}
    for contact, with_own, claim in zip(contacts, same, claims, strict=True):
        most, own = full[with_own].max(axis=0), relation(target, contact.touch)
        goal = own + most[:, None] * (kept_relation(source, target, contact.touch) - own)
        share = claim / np.maximum(np.array(claims)[with_own].sum(axis=0), 1e-12)
        out[id(contact)] = goal, share * most
    return out


def _footholds(source: Pair, target: Pair, allowed: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the target's ankles belong (2,T,2,3), and how much each foot stands (2,T,2).

    The balls of feet on the floor move as the source's, scaled: not at all when those do not. Steps bridge between.
    Feet that stand deeper (m) in each other than `allowed` (T,22,22) stand further apart.
    """
    stands = standing(source.joints, fps)
    toes, scale = FEET[1::2], target.scale[:, None, None, None]
    place = target.joints[:, :, toes]
    speed = scale * np.diff(source.joints[:, :, toes], axis=1, append=source.joints[:, -1:, toes])
    height = np.maximum(source.joints[:, 1:, toes, 1], source.joints[:, :-1, toes, 1]) - TOE_HEIGHT
    weights = HOLD * np.exp(-np.maximum(height, 0.0) / LIFTS)
    up = target.sole[:, None, None] + scale[..., 0] * (source.joints[:, :, toes, 1] - TOE_HEIGHT)
    feet = global_rotations(target.rotations)[:, :, FEET[::2]]
    drop = quat_apply(feet, np.broadcast_to(target.rest[:, None, toes], place.shape))
    joints = target.joints.copy()
    for _ in range(PARTINGS):
        for side, toe in enumerate(toes):
            part = slice(side, side + 1)
            joints[:, :, [toe]] = fit_paths(place[:, :, part], speed[:, :, part], weights[..., side])
        joints[:, :, toes, 1] = up
        joints[:, :, FEET[::2]] = joints[:, :, toes] - drop
        apart = _apart(source, joints, target.girth, allowed, stands > 0.5)
        if not apart.any():
            break
        place = place + apart
    return joints[:, :, FEET[::2]], stands


def _apart(
    source: Pair, joints: np.ndarray, girth: np.ndarray, allowed: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """How (2,T,2,3) feet that stand (2,T,2) in each other part on the floor: each by half, in all of a stance alike."""
    found, out = overlaps(joints, (), 0.0, girth), np.zeros((*stands.shape, 3))
    much = (
        found.depth - allowed[found.frame, *found.bones] - SPARE
    )  # no less than the source's: feet stay exactly
    push = normalise(_ways_out(source.joints, found, girth) * [1.0, 0.0, 1.0]) * 0.5 * much[:, None]
    on = [stands[n, found.frame] & (bone[:, None] == FEET[1::2]) for n, bone in enumerate(found.bones)]
    met = on[0].any(axis=1) & on[1].any(axis=1) & (much > 0.0)
    for person, side in np.ndindex(2, 2):
        stance = np.cumsum(np.diff(stands[person, :, side], prepend=stands[person, 0, side]))
        mine = met & on[person][:, side]
        moves = strongest(stance[-1] + 1, stance[found.frame[mine]], push[mine])
        out[person, :, side] = (1.0, -1.0)[person] * moves[stance]
    return out
