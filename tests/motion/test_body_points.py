import numpy as np
import pytest

from intermamba.motion.body_points import BODY_POINTS, HAND, body_point
from intermamba.motion.rotations import quat_apply, yaw_quat
from intermamba.motion.skeleton import HEAD, L_ELBOW, L_WRIST, NECK, R_WRIST, SPINE3

from .people import standing


def test_front_back_and_sides_are_where_their_names_say():
    joints = standing(1)[0]
    at = {name: body_point(joints, name) for name in BODY_POINTS}
    for name in ("chest", "belly", "head"):
        assert at[name][2] > joints[SPINE3, 2] + 0.08
    for name in ("back", "upper_back", "lower_back", "left_shoulder_blade"):
        assert at[name][2] < joints[SPINE3, 2] - 0.08
    assert at["left_shoulder"][0] > 0.1
    assert at["waist_left"][0] > 0.1
    assert joints[NECK, 1] < at["head"][1] < joints[HEAD, 1] + 0.1
    assert at["lower_back"][1] < at["back"][1] < at["upper_back"][1]


@pytest.mark.parametrize("name", [name for name in BODY_POINTS if "left" in name])
def test_right_is_the_mirror_of_left(name):
    joints = standing(1)[0]
    left, right = (body_point(joints, one) for one in (name, name.replace("left", "right")))
    np.testing.assert_allclose(right, left * [-1, 1, 1], atol=1e-9)


def test_a_hand_lies_beyond_the_wrist_along_the_forearm():
    joints = standing(1)[0]
    hand = body_point(joints, "left_hand")
    assert np.linalg.norm(hand - joints[L_WRIST]) == pytest.approx(HAND)
    length = np.linalg.norm(joints[L_WRIST] - joints[L_ELBOW])
    assert np.linalg.norm(hand - joints[L_ELBOW]) == pytest.approx(length + HAND)
    assert np.linalg.norm(body_point(joints, "right_hand") - joints[R_WRIST]) == pytest.approx(HAND)


@pytest.mark.parametrize("name", BODY_POINTS)
def test_points_go_with_the_body(name):
    joints, turn, offset = standing(1)[0], yaw_quat(0.7), (0.01, 0.02, 0.03)
    step = np.array([1.0, 0.0, 2.0])
    moved = body_point(quat_apply(turn, joints) + step, name, offset)
    np.testing.assert_allclose(moved, quat_apply(turn, body_point(joints, name, offset)) + step)


def test_an_offset_goes_left_up_and_forward():
    joints = standing(1)[0]
    moved = body_point(joints, "pelvis", (0.1, 0.2, 0.3)) - body_point(joints, "pelvis")
    assert np.linalg.norm(moved - [0.1, 0.2, 0.3]) < 0.06  # the pelvis itself is tilted
