import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.skeleton import HEAD, L_FOOT, L_WRIST, PELVIS, R_FOOT, R_WRIST
from training.compose.events import find_event, points


@pytest.fixture
def joints():
    out = np.zeros((30, 22, 3))
    out[:, PELVIS, 1] = 0.9
    out[:, HEAD, 1] = 1.5
    return out


def bump(peak, height=1.0):
    return height * np.exp(-0.5 * ((np.arange(30) - peak) / 2.0) ** 2)


def test_a_point_and_an_extreme(joints):
    joints[:, R_WRIST, 2] = bump(12)
    joints[:, L_WRIST, 2] = bump(20, 0.5)
    joints[:, HEAD, 1] -= bump(7)
    joints[:, PELVIS, 1] += bump(25)
    assert find_event(joints, "right_hand_farthest") == 12
    assert find_event(joints, "left_hand_farthest") == 20
    assert find_event(joints, "hand_farthest") == 12, "the hand that goes farther"
    assert find_event(joints, "head_lowest") == 7
    assert find_event(joints, "pelvis_highest") == 25


def test_reach_is_seen_from_the_pelvis(joints):
    joints += np.linspace(0, 3, 30)[:, None, None] * [0, 0, 1]
    joints[:, R_FOOT, 2] += bump(9)
    assert find_event(joints, "right_foot_farthest") == 9


def test_fastest_is_the_middle_of_the_swing(joints):
    joints[:, L_FOOT, 0] = 1.0 / (1.0 + np.exp(-(np.arange(30) - 14.0)))
    assert find_event(joints, "foot_fastest") == 14


def test_both_hands_are_their_middle(joints):
    joints[:, L_WRIST], joints[:, R_WRIST] = [0.4, 1, 0], [-0.2, 1, 0]
    assert points(joints, "hands").shape == (30, 1, 3)
    assert np.allclose(points(joints, "hands")[0, 0], [0.1, 1, 0])


@pytest.mark.parametrize("rule", ["elbow_farthest", "hand_loudest", "highest", ""])
def test_an_unknown_rule_is_told_what_there_is(joints, rule):
    with pytest.raises(IntermambaError, match="right_hand_farthest"):
        find_event(joints, rule)
