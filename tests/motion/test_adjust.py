import numpy as np
import pytest

from intermamba.motion.adjust import eased, lean, limb_reach, reach, shift, standing, widest
from intermamba.motion.body_points import HAND, body_point
from intermamba.motion.skeleton import ARMS, FEET, HEAD, L_ANKLE, L_ELBOW, L_KNEE, L_WRIST, LEGS

from . import people
from .people import bones_change


@pytest.fixture
def joints():
    return people.standing(60)


def test_an_arm_reaches_with_its_hand_and_keeps_its_elbow_out(joints):
    before, target = joints.copy(), np.array([0.15, 1.3, 0.45]) + np.zeros((60, 3))
    reach(joints, ARMS[0], target, tip=HAND)
    np.testing.assert_allclose(body_point(joints, "left_hand"), target, atol=1e-9)
    assert bones_change(before, joints) < 1e-9
    moved = np.abs(joints - before).max(axis=(0, 2))
    assert set(np.flatnonzero(moved > 1e-12)) == {L_ELBOW, L_WRIST}
    assert (joints[:, L_ELBOW, 1] < 1.3).all()


def test_what_is_too_far_is_pointed_at(joints):
    far = np.array([0.2, 1.4, 3.0]) + np.zeros((60, 3))
    start = joints[:, ARMS[0][1]].copy()
    reach(joints, ARMS[0], far, tip=HAND)
    hand = body_point(joints, "left_hand")
    np.testing.assert_allclose(
        np.linalg.norm(hand - start, axis=-1), float(limb_reach(joints, ARMS[0])[0]), rtol=1e-3
    )
    assert np.cross(hand - start, far - start) == pytest.approx(0, abs=1e-2)


def test_reaching_where_the_limb_already_is_changes_nothing(joints):
    before = joints.copy()
    for limb in (*ARMS, *LEGS):
        reach(joints, limb, joints[:, limb[3]], tip=0.0)
    np.testing.assert_allclose(joints, before, atol=1e-6)


def test_a_lean_moves_the_head_and_not_the_feet(joints):
    before = joints.copy()
    lean(joints, np.array([0.35, 0.0, 0.0]) + np.zeros((60, 3)))
    assert (joints[:, HEAD, 2] - before[:, HEAD, 2] > 0.1).all()
    np.testing.assert_allclose(joints[:, FEET], before[:, FEET], atol=1e-3)
    assert bones_change(before, joints) < 1e-9


def test_a_shift_takes_the_body_and_leaves_standing_feet(joints):
    before = joints.copy()
    move = 0.1 * np.sin(np.linspace(0, np.pi, 60))[:, None] ** 2 * np.array([1.0, 0.0, 0.0])
    shift(joints, move)
    np.testing.assert_allclose(joints[:, HEAD, 0] - before[:, HEAD, 0], move[:, 0], atol=1e-9)
    assert np.abs(np.diff(joints[:, FEET], axis=0)).max() < 0.002
    assert bones_change(before, joints) < 1e-9


def test_a_shift_moves_feet_in_their_steps(joints):
    step = np.zeros(60)
    step[25:35] = np.sin(np.linspace(0, np.pi, 10))
    joints[:, L_ANKLE] += step[:, None] * [0.0, 0.2, 0.3]
    joints[:, L_ANKLE + 3] += step[:, None] * [0.0, 0.2, 0.3]
    joints[:, L_KNEE, 2] += 0.1 * step
    before = joints.copy()
    shift(joints, np.linspace(0, 0.1, 60)[:, None] * np.array([1.0, 0.0, 0.0]))
    moved = (joints - before)[:, L_ANKLE, 0]
    assert moved[50] - moved[10] > 0.03
    assert np.abs(np.diff(moved[:20])).max() < 0.001
    assert np.abs(np.diff(moved[42:])).max() < 0.001


def test_feet_stand_when_low_and_slow(joints):
    joints[:, FEET[:2], 1] += 0.2
    np.testing.assert_allclose(standing(joints), [[0.0, 1.0]] * 60, atol=1e-9)


def test_widest_and_eased():
    values = np.zeros(20)
    values[10] = 1.0
    np.testing.assert_array_equal(np.flatnonzero(widest(values, 2)), range(8, 13))
    smooth = eased(values[:, None] * [0.0, 2.0, 0.0], 2.0, 1.5)
    assert 1.3 < smooth[10, 1] <= 1.5
    assert np.abs(np.diff(smooth[:, 1])).max() < 0.4
