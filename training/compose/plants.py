"""Feet that stand where they stand: held through blends, moved by steps where a blend or a turn needs it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intermamba.motion.adjust import limb_reach, reach, widest
from intermamba.motion.filters import gaussian_smooth, minimum_jerk, smoothstep
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.rotations import quat_apply, yaw_quat
from intermamba.motion.skeleton import L_ANKLE, L_FOOT, LEGS, R_ANKLE, R_FOOT

from .sequence import Run

# Two stands with fewer frames between them than this are one, when they are nearer (m) and less turned (radians).
LEAST_SWING = 5
SAME_PLACE, SAME_YAW = 0.035, np.radians(14.0)
# Frames of a step that is made: some, more by its length (m) and its turn (radians); and how high (m) the foot goes.
STEP_FRAMES, STEP_BY_LENGTH, STEP_BY_TURN, MOST_STEP = 8.0, 12.0, 4.0, 15
STEP_HEIGHT, HEIGHT_BY_LENGTH, MOST_HEIGHT = 0.035, 0.12, 0.10
# A swinging ball goes over the floor in an arc as high as this share of its length at least, up to so much (m).
CLEARANCE, MOST_CLEARANCE = 0.2, 0.045
# A foot whose yaw changes by more than this (radians) while it stands turns on its ball, and goes on doing so.
PIVOT = np.radians(20.0)
# A standing ball is put on the floor from at most so high (m). The lowest a ball may be.
MOST_DROP, LOWEST = 0.045, 0.5 * TOE_HEIGHT
# Share of a leg that is given out softly, the reach it is kept to, the most (m) by which the body comes down for it.
SOFT_LEG, LEG_REACH, MOST_DOWN = 0.01, 0.997, 0.25
HEIGHT_SMOOTHING = 3.0

_ANKLES, _BALLS = (L_ANKLE, R_ANKLE), (L_FOOT, R_FOOT)


@dataclass
class _Stand:
    """A foot on the floor from `start` to `stop`, its ball at `place` (x, y, z), lower by `drop`; turned by `yaw`."""

    start: int
    stop: int
    place: np.ndarray
    yaw: float
    pivots: bool
    weight: int
    drop: float


def plant(joints: np.ndarray, runs: Sequence[Run]) -> np.ndarray:
    """Joints (T, 22, 3) of one person with feet that stand still in `runs`; the legs and the body's height follow."""
    out = joints.copy()
    feet = [_stands(joints, [run for run in runs if run.foot == foot], foot) for foot in (0, 1)]
    steps = _make_steps(feet)
    targets = []
    for foot, (ankle, ball) in enumerate(zip(_ANKLES, _BALLS, strict=True)):
        yaw = _foot_yaw(joints, foot)
        place, turn = _path(joints[:, ball], yaw, feet[foot], steps[foot])
        heel = quat_apply(yaw_quat(turn), joints[:, ankle] - joints[:, ball])
        targets.append((place + heel, -heel))
    out[..., 1] -= _too_far(joints, targets)[:, None]
    for (ankle, foot), leg, ball in zip(targets, LEGS, _BALLS, strict=True):
        reach(out, leg, ankle, tip=0.0, soft=SOFT_LEG)
        out[:, ball] = out[:, leg[3]] + foot
    return out


def _foot_yaw(joints: np.ndarray, foot: int) -> np.ndarray:
    along = joints[:, _BALLS[foot]] - joints[:, _ANKLES[foot]]
    return np.unwrap(np.arctan2(along[:, 0], along[:, 2]))


def _stands(joints: np.ndarray, runs: Sequence[Run], foot: int) -> list[_Stand]:
    """The stands of one foot in order, those in one place made one."""
    ball, yaw = joints[:, _BALLS[foot]], _foot_yaw(joints, foot)
    out: list[_Stand] = []
    for run in sorted(runs, key=lambda run: run.start):
        a, b = run.clean
        if b <= a:
            continue
        place = ball[a:b].mean(axis=0)
        lowest = float(ball[a:b, 1].min())
        drop = TOE_HEIGHT - lowest if lowest < TOE_HEIGHT + MOST_DROP else 0.0
        place[1] = lowest + drop
        pivots = bool(np.ptp(yaw[a:b]) > PIVOT)
        one = _Stand(run.start, run.stop, place, float(yaw[a:b].mean()), pivots, b - a, drop)
        if out and _same(out[-1], one):
            last = out[-1]
            share = one.weight / (one.weight + last.weight)
            last.place = last.place + share * (one.place - last.place)
            last.yaw += share * (one.yaw - last.yaw)
            last.stop, last.weight, last.pivots = (
                one.stop,
                last.weight + one.weight,
                last.pivots or one.pivots,
            )
        else:
            out.append(one)
    return out


def _same(a: _Stand, b: _Stand) -> bool:
    near = np.linalg.norm((b.place - a.place)[[0, 2]]) < SAME_PLACE and abs(b.yaw - a.yaw) < SAME_YAW
    return bool(near and b.start - a.stop < LEAST_SWING)


def _make_steps(feet: list[list[_Stand]]) -> list[set[int]]:
    """Make room for a step where two stands of a foot leave none, one foot after the other; which ones, by number."""
    made = []
    for foot, stands in enumerate(feet):
        for k, (a, b) in enumerate(itertools.pairwise(stands)):
            if b.start - a.stop < LEAST_SWING:
                length = float(np.linalg.norm((b.place - a.place)[[0, 2]]))
                frames = STEP_FRAMES + STEP_BY_LENGTH * length + STEP_BY_TURN * abs(b.yaw - a.yaw)
                made.append([0.5 * (a.stop + b.start), min(frames, MOST_STEP), length, foot, k])
    made.sort(key=lambda step: step[0])
    for one, two in itertools.pairwise(made):
        close = 0.5 * (one[1] + two[1]) - (two[0] - one[0])
        if one[3] != two[3] and close > 0:
            first, second = (one, two) if one[2] >= two[2] else (two, one)
            middle = 0.5 * (one[0] + two[0])
            first[0], second[0] = middle - 0.5 * first[1], middle + 0.5 * second[1]
    steps: list[set[int]] = [set(), set()]
    for middle, frames, _, foot, k in made:
        a, b = feet[foot][k], feet[foot][k + 1]
        a.stop = max(round(middle - 0.5 * frames), a.start + 1)
        b.start = max(min(round(middle + 0.5 * frames), b.stop - 1), a.stop + 1)
        steps[foot].add(k)
    return steps


def _path(
    ball: np.ndarray, yaw: np.ndarray, stands: Sequence[_Stand], steps: set[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Where a ball goes (T, 3), and by how much more its foot is turned (T,)."""
    place, turn = ball.copy(), np.zeros(len(ball))
    if not stands:
        place[:, 1] = np.maximum(place[:, 1], LOWEST)
        return place, turn
    for stand in stands:
        during = slice(stand.start, stand.stop)
        place[during, 0], place[during, 2] = stand.place[0], stand.place[2]
        place[during, 1] = np.clip(ball[during, 1] + stand.drop, None, stand.place[1] + MOST_DROP)
        if not stand.pivots:
            turn[stand.start : stand.stop] = stand.yaw - yaw[stand.start : stand.stop]
    begin, end = stands[0].start, stands[-1].stop - 1
    place[:begin] += place[begin] - ball[begin]
    place[end + 1 :] += place[end] - ball[end]
    turn[:begin], turn[end + 1 :] = turn[begin], turn[end]
    for k, (a, b) in enumerate(itertools.pairwise(stands)):
        span = slice(a.stop, b.start)
        rise = minimum_jerk((np.arange(a.stop, b.start) - a.stop + 1.0) / (b.start - a.stop + 1.0))
        if k in steps:
            length = np.linalg.norm((b.place - a.place)[[0, 2]])
            lift = min(STEP_HEIGHT + HEIGHT_BY_LENGTH * length, MOST_HEIGHT) * (4.0 * rise * (1.0 - rise))
            first, last = place[a.stop - 1], place[b.start]
            place[span] = first + rise[:, None] * (last - first) + lift[:, None] * [0.0, 1.0, 0.0]
            start = yaw[a.stop - 1] + turn[a.stop - 1]
            turn[span] = start + rise * (yaw[b.start] + turn[b.start] - start) - yaw[span]
        else:
            before, after = (place[t] - ball[t] for t in (a.stop - 1, b.start))
            place[span] = ball[span] + before + rise[:, None] * (after - before)
            place[span, 1] += _clearance(place[a.stop - 1 : b.start + 1])[1:-1]
            turn[span] = turn[a.stop - 1] + rise * (turn[b.start] - turn[a.stop - 1])
    place[:, 1] = np.maximum(place[:, 1], LOWEST)
    return place, turn


def _clearance(path: np.ndarray) -> np.ndarray:
    """By how much (T,) a swinging ball that goes along `path` (T, 3), from stand to stand, is to be raised.

    A blend of a foot that swings and one that stands drags over the floor.
    """
    share = np.linspace(0.0, 1.0, len(path))
    length = np.linalg.norm((path[-1] - path[0])[[0, 2]])
    arc = min(CLEARANCE * length, MOST_CLEARANCE) * 4.0 * share * (1.0 - share)
    over = path[:, 1] - path[0, 1] - share * (path[-1, 1] - path[0, 1])
    lift = gaussian_smooth(np.maximum(arc - over, 0.0), 1.0, 0)
    return lift * smoothstep(np.minimum(share, 1.0 - share) * len(path), 0.0, 2.0)


def _too_far(joints: np.ndarray, targets: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """How far (T,) the body must come down for its ankles to be where they should, smooth in time."""
    needed = np.zeros(len(joints))
    for (ankle, _), leg in zip(targets, LEGS, strict=True):
        apart = joints[:, leg[1]] - ankle
        before = np.linalg.norm(joints[:, leg[1]] - joints[:, leg[3]], axis=-1)
        most = np.maximum(LEG_REACH * limb_reach(joints, leg), before)
        height = np.sqrt(np.maximum(most**2 - np.square(apart[:, (0, 2)]).sum(axis=-1), 0.0))
        needed = np.maximum(needed, apart[:, 1] - height)
    return gaussian_smooth(widest(np.clip(needed, 0.0, MOST_DOWN), 3), HEIGHT_SMOOTHING, 0)
