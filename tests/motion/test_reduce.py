"""Reduced curves are as near as they have to be, and few keys are enough for smooth ones."""

from itertools import pairwise

import numpy as np
import pytest

from intermamba.motion.kinematics import fk
from intermamba.motion.reduce import Keys, cubic, reduce_place, reduce_pose, reduce_rotation
from intermamba.motion.rotations import normalise, quat_angle, quat_from_axis_angle
from tests.clips import synthetic_pair


@pytest.fixture(scope="module")
def pair():
    return synthetic_pair(120)


# About how far the farthest point below each joint is (m).
LEVERS = np.array(
    [
        1.2,
        0.9,
        0.9,
        0.9,
        0.5,
        0.5,
        0.9,
        0.15,
        0.15,
        0.8,
        0.1,
        0.1,
        0.3,
        0.7,
        0.7,
        0.2,
        0.6,
        0.6,
        0.3,
        0.3,
        0.1,
        0.1,
    ]
)


def bezier(keys, frame):
    """A slow reference: de Casteljau with handles at thirds, as Blender draws a curve (C,)."""
    k = max(np.searchsorted(keys.frames, frame, side="right") - 1, 0)
    k = min(k, len(keys.frames) - 2)
    span = keys.frames[k + 1] - keys.frames[k]
    points = [
        keys.values[k],
        keys.values[k] + keys.slopes[k] * span / 3,
        keys.values[k + 1] - keys.slopes[k + 1] * span / 3,
        keys.values[k + 1],
    ]
    u = (frame - keys.frames[k]) / span
    while len(points) > 1:
        points = [(1 - u) * a + u * b for a, b in pairwise(points)]
    return points[0]


def test_the_cubic_is_a_bezier_curve():
    rng = np.random.default_rng(0)
    keys = Keys(np.array([0, 3, 10, 11]), rng.normal(size=(4, 2)), rng.normal(size=(4, 2)))
    assert np.allclose(cubic(keys, 12), [bezier(keys, frame) for frame in range(12)])


def test_a_line_needs_two_keys_and_a_parabola_too():
    t = np.linspace(0, 1, 50)[:, None]
    assert list(reduce_place(t * [1, 2, 3], 1e-6).frames) == [0, 49]
    assert len(reduce_place(t**2 * [1, 2, 3], 5e-3).frames) == 2


def test_slopes_are_the_best_there_are():
    """No other slopes at the kept frames bring the cubic nearer: a slow reference by numpy's solver."""
    rng = np.random.default_rng(1)
    values = np.cumsum(rng.normal(size=(40, 1)), axis=0)
    keys = reduce_place(values, 1.5)
    design = np.stack(
        [
            cubic(Keys(keys.frames, 0 * keys.values, one[:, None]), 40)[:, 0]
            for one in np.eye(len(keys.frames))
        ],
        axis=1,
    )
    rest = values - cubic(Keys(keys.frames, keys.values, 0 * keys.slopes), 40)
    best = rest - design @ np.linalg.lstsq(design, rest, rcond=None)[0]
    mine = values - cubic(keys, 40)
    assert np.linalg.norm(mine) == pytest.approx(np.linalg.norm(best), rel=1e-3)


def test_a_bound_of_nothing_keeps_all_that_matters():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(30, 3))
    assert len(reduce_place(noise, 0.0).frames) == 30


@pytest.mark.parametrize("degrees", [0.2, 1.0, 5.0])
def test_rotations_are_within_the_bound(pair, degrees):
    for joint in range(22):
        q = pair.rotations[0, :, joint].astype(float)
        keys = reduce_rotation(q, degrees)
        assert np.degrees(quat_angle(normalise(cubic(keys, len(q))), q)).max() <= degrees
        assert {0, len(q) - 1} <= set(keys.frames.tolist())


def test_a_wider_bound_needs_fewer_keys(pair):
    q = pair.rotations[0, :, 1].astype(float)
    counts = [len(reduce_rotation(q, degrees).frames) for degrees in (0.1, 1.0, 5.0)]
    assert counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize("metres", [0.005, 0.02])
def test_a_whole_body_is_within_both_bounds(pair, metres):
    q = np.moveaxis(pair.rotations[0].astype(float), 1, 0)

    def positions(rotations, places):
        return fk(np.stack(rotations, axis=1), places[0], pair.rest[0].astype(float))

    turns, (move,) = reduce_pose(list(q), [pair.root[0].astype(float)], positions, LEVERS, 2.0, metres)
    drawn = [normalise(cubic(keys, 120)) for keys in turns]
    joints = positions(drawn, [cubic(move, 120)])
    assert np.linalg.norm(joints - pair.joints[0], axis=-1).max() <= metres + 1e-5
    assert max(np.degrees(quat_angle(a, b)).max() for a, b in zip(drawn, q, strict=True)) <= 2.0
    assert sum(len(keys.frames) for keys in turns) < 0.6 * 22 * 120


def test_one_frame_is_one_key():
    keys = reduce_rotation(quat_from_axis_angle(np.array([0, 1.0, 0]), np.array([0.3])), 1.0)
    assert list(keys.frames) == [0]
    assert np.array_equal(cubic(keys, 1), keys.values)
