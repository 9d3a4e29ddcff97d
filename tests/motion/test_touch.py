import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.body_points import body_point
from intermamba.motion.metrics import jerk_percentile
from intermamba.motion.skeleton import FEET, L_WRIST, PELVIS, R_WRIST
from intermamba.motion.touch import Touch, keep_touches, touch_distance

from .people import bones_change, face_to_face

SHAKE = Touch(0, "right_hand", "right_hand", 25, 40)


def test_hands_meet_in_the_middle_and_let_go():
    joints = face_to_face(0.9)
    out = keep_touches(joints, [SHAKE])
    assert touch_distance(joints, SHAKE).min() > 0.3
    assert touch_distance(out, SHAKE).max() < 0.01
    assert bones_change(joints, out) < 1e-9
    span = SHAKE.span(60)
    np.testing.assert_allclose(out[:, : span.start], joints[:, : span.start], atol=1e-9)
    np.testing.assert_allclose(out[:, span.stop :], joints[:, span.stop :], atol=1e-9)
    moved = [np.linalg.norm(out[p, 30, R_WRIST] - joints[p, 30, R_WRIST]) for p in (0, 1)]
    assert moved[0] == pytest.approx(moved[1], rel=0.05)
    np.testing.assert_allclose(out[:, 30, L_WRIST], joints[:, 30, L_WRIST], atol=0.1)


def test_contact_comes_and_goes_without_a_jolt():
    assert jerk_percentile(keep_touches(face_to_face(0.9), [SHAKE]), 30, 100) < 2500
    weight = SHAKE.weight(60)
    assert (np.abs(np.diff(weight)) < 0.3).all()
    assert weight[8:23] == pytest.approx(1)
    assert 0 < weight[1] < 0.1


def test_share_says_how_far_the_other_comes():
    joints = face_to_face(0.5)
    out = keep_touches(joints, [Touch(0, "right_hand", "right_hand", 25, 40, share=0.0)])
    np.testing.assert_allclose(out[1], joints[1])
    assert touch_distance(out, SHAKE).max() < 0.01


@pytest.mark.parametrize("on", ["chest", "left_shoulder", "right_upper_arm", "head"])
def test_what_is_no_hand_stays_where_it_is(on):
    joints = face_to_face(0.6)
    touch = Touch(1, "left_hand", on, 25, 40)
    out = keep_touches(joints, [touch])
    assert touch_distance(out, touch).max() < 0.01
    np.testing.assert_allclose(out[0], joints[0])
    assert bones_change(joints, out) < 1e-9


def test_gap_and_offset_move_the_target():
    joints = face_to_face(0.7)
    touch = Touch(0, "right_hand", "chest", 25, 40, gap=0.1, offset=(0.05, -0.05, 0.0))
    out = keep_touches(joints, [touch])
    assert touch_distance(out, touch).max() < 0.01
    hand, chest = body_point(out[0, 30], "right_hand"), body_point(out[1, 30], "chest", (0.05, -0.05, 0.0))
    assert np.linalg.norm(hand - chest) == pytest.approx(0.1, abs=0.005)


def test_the_body_leans_and_moves_for_what_is_out_of_reach_and_feet_stay():
    joints = face_to_face(1.05)
    touch = Touch(0, "right_hand", "chest", 25, 40)
    out = keep_touches(joints, [touch])
    assert touch_distance(out, touch).max() < 0.01
    assert np.linalg.norm(out[0, 30, R_WRIST] - joints[0, 30, R_WRIST]) > 0.3
    assert 0.02 < np.linalg.norm(out[0, 30, PELVIS] - joints[0, 30, PELVIS]) < 0.3
    feet = out[0, :, FEET]
    assert np.abs(np.diff(feet, axis=1)).max() < 0.004
    assert bones_change(joints, out) < 1e-9


def test_a_foot_reaches_too():
    joints = face_to_face(0.8)
    touch = Touch(0, "right_foot", "belly", 30, 33, ramp=(10, 10))
    out = keep_touches(joints, [touch])
    assert touch_distance(out, touch).max() < 0.01
    assert bones_change(joints, out) < 1e-9


def test_two_arms_around_the_other():
    joints = face_to_face(0.4)
    touches = [Touch(p, f"{side}_hand", "back", 20, 45) for p in (0, 1) for side in ("left", "right")]
    out = keep_touches(joints, touches)
    assert max(touch_distance(out, touch).max() for touch in touches) < 0.01


def test_a_touch_at_the_ends_of_a_clip_and_no_touch_at_all():
    joints = face_to_face(0.8)
    out = keep_touches(joints, [Touch(0, "right_hand", "left_hand", 0, 60)])
    assert touch_distance(out, Touch(0, "right_hand", "left_hand", 0, 60)).max() < 0.01
    np.testing.assert_array_equal(keep_touches(joints, []), joints)


@pytest.mark.parametrize(
    "values", [(0, "nose", "chest", 1, 2), (0, "left_hand", "tail", 1, 2), (2, "left_hand", "chest", 1, 2)]
)
def test_bad_touches_are_refused_in_a_sentence(values):
    with pytest.raises(IntermambaError, match=r"choose one of|person 0 or 1"):
        Touch(*values)
    with pytest.raises(IntermambaError, match="start before its stop"):
        Touch(0, "left_hand", "chest", 5, 5)
