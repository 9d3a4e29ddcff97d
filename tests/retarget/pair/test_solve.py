"""The pieces of the least squares against the obvious way to compute them."""

import numpy as np
import pytest

from intermamba.motion.collide import overlaps
from intermamba.retarget.pair.bodies import source_pair
from intermamba.retarget.pair.freedoms import FREEDOMS, MOVES, Hinges, Levers, advance, apply
from intermamba.retarget.pair.solve import _dual
from tests.clips import synthetic_pair


@pytest.fixture(scope="module")
def pair():
    return source_pair(synthetic_pair(6))


@pytest.mark.parametrize("joint", [15, 20, 21, 7, 8])
def test_points_move_with_the_freedoms_as_finite_differences_say(pair, joint):
    hinges = Hinges(pair.joints, pair.rotations)
    rng = np.random.default_rng(0)
    x = 0.2 * rng.standard_normal((2, 6, FREEDOMS))
    here = pair.moved(apply(x, pair.rotations, hinges), pair.root + x[..., :3])
    levers = Levers(here.joints, here.rotations, hinges)
    parent = {15: 12, 20: 18, 21: 19, 7: 4, 8: 5}[joint]
    found = levers.of(0, here.joints[0, :, joint], MOVES[parent])
    small = 1e-6
    for freedom in range(FREEDOMS):
        step = np.zeros_like(x)
        step[..., freedom] = small
        after = advance(x, step)
        there = pair.moved(apply(after, pair.rotations, hinges), pair.root + after[..., :3])
        moved = (there.joints - here.joints)[0, :, joint] / small
        assert np.abs(moved - found[..., freedom]).max() < 1e-4, freedom


def test_the_dual_step_is_that_of_the_normal_equations():
    rng = np.random.default_rng(1)
    jacobian, residual = rng.standard_normal((3, 5, 9)), rng.standard_normal((3, 5))
    inverse, to, give = (
        rng.uniform(0.1, 1.0, (3, 5)),
        rng.standard_normal((3, 9)),
        rng.uniform(0.1, 1.0, (3, 9)),
    )
    step = _dual(jacobian, residual, inverse, to, give)
    for t in range(3):
        weighted = jacobian[t].T / inverse[t]
        normal = weighted @ jacobian[t] + np.diag(1.0 / give[t])
        expected = np.linalg.solve(normal, to[t] / give[t] - weighted @ residual[t])
        assert np.abs(step[t] - expected).max() < 1e-9


def test_elbows_and_knees_never_bend_the_wrong_way(pair):
    hinges = Hinges(pair.joints, pair.rotations)
    x = np.zeros((2, 6, FREEDOMS))
    x[..., -4:] = -3.0
    x = hinges.limited(x)
    after = Hinges(
        pair.moved(apply(x, pair.rotations, hinges), pair.root).joints, apply(x, pair.rotations, hinges)
    )
    assert after.bends.min() > 0.0
    assert after.bends.max() < 0.5


def test_a_body_twice_as_big_and_thick_is_twice_as_deep(pair):
    near = pair.joints.copy()
    near[1] += [0.0, 0.0, -0.75]
    once, twice = overlaps(near), overlaps(2.0 * near, girth=(2.0, 2.0))
    assert len(once.depth)
    assert np.allclose(2.0 * once.depth, twice.depth)
