from dataclasses import replace

import numpy as np
import pytest

from intermamba.motion.adjust import reach
from intermamba.motion.body_points import HAND, body_point
from intermamba.motion.find_touches import find_touches, kind_of, touches_of
from intermamba.motion.motion import Motion
from intermamba.motion.skeleton import ARMS
from intermamba.motion.touch import Touch, keep_touches, touch_distance

from .people import face_to_face, standing


def spoilt(joints, by=(0.05, -0.03, 0.03)):
    """The second person a little elsewhere, so that contacts are only nearly made."""
    return joints + np.array([[[[0.0, 0.0, 0.0]]], [[by]]])


@pytest.mark.parametrize("on", ["right_hand", "left_hand", "left_shoulder", "back", "chest", "right_forearm"])
def test_a_hand_that_stays_near_is_found_and_kept(on):
    joints = spoilt(keep_touches(face_to_face(0.55, 90), [Touch(0, "right_hand", on, 35, 60)]))
    (touch,) = find_touches(joints)
    assert (touch.person, touch.point) == (0, "right_hand")
    assert touch.on == on
    assert abs(touch.start - 35) < 8
    assert abs(touch.stop - 60) < 8
    assert touch_distance(joints, touch).max() > 0.01
    assert touch_distance(keep_touches(joints, [touch]), touch).max() < 0.01


def test_a_hand_on_the_body_stays_over_the_place_that_it_was_over():
    hold = Touch(0, "right_hand", "back", 35, 60, offset=(0.05, 0.02, -0.06))
    joints = keep_touches(face_to_face(0.5, 90), [hold])
    (touch,) = find_touches(joints)
    assert touch.on == "back"
    assert touch.offset[:2] == pytest.approx((0.05, 0.02), abs=0.02)
    assert abs(touch.offset[2]) < 0.02
    out = keep_touches(joints, [touch])
    assert np.linalg.norm((body_point(out[0], "right_hand") - body_point(joints[0], "right_hand"))[45]) < 0.1


def by_each_other(frames: int) -> np.ndarray:
    """A right hand that is 0.2 m from the other's for so many frames, and then goes away."""
    joints = face_to_face(0.8, 90)
    at = np.add(joints[:, :, 16:18].mean(axis=(0, 2)), (0.0, -0.2, 0.0))
    out = np.clip(np.abs(np.arange(90) - 45) - frames / 2, 0, 10)[:, None] * np.array([0.0, -0.05, 0.0])
    for person, side in enumerate((-0.1, 0.1)):
        reach(joints[person], ARMS[1], at + (side, 0.0, 0.0) + out * (1 - person), tip=HAND)
    return joints


def test_what_is_asked_for_is_held_from_farther_away():
    joints = by_each_other(30)
    assert find_touches(joints, asked=["hand on chest", "foot on belly"]) == []
    (touch,) = find_touches(joints, asked=["hand on hand"])
    assert (touch.point, touch.on) == ("right_hand", "right_hand")
    assert 28 <= touch.stop - touch.start <= 40


def test_a_motion_may_say_what_it_was_asked_for():
    settings = {"touches": ["hand on hand", 3]}
    joints, contacts = by_each_other(30), np.zeros((2, 90, 4), np.float32)
    rotations, root = np.zeros((2, 90, 22, 4)), joints[:, :, 0]
    motion = Motion(joints, rotations, root, joints[:, 0], contacts, 30.0, settings=settings)
    assert touches_of(motion) == find_touches(joints, asked=["hand on hand"]) != []
    for nothing in ({}, {"touches": 3}):
        assert touches_of(replace(motion, settings=nothing)) == []


def test_kinds_of_touches_leave_sides_open():
    assert (
        kind_of("left_hand", "right_shoulder") == kind_of("right_hand", "left_shoulder") == "hand on shoulder"
    )
    assert kind_of("left_foot", "waist_right") == "foot on waist"


def blow(follow_through: bool) -> np.ndarray:
    """A fist that comes at the chest at 4 m/s, and comes back; or goes on past the shoulder."""
    joints = face_to_face(0.62)
    chest = body_point(joints[1], "chest", (0.0, 0.0, 0.06))
    away = np.clip(np.abs(np.arange(60) - 30) - 1, 0, 3)[:, None] * np.array([-0.02, -0.02, -0.13])
    if follow_through:
        away = np.clip(np.arange(60) - 30, -3, 10)[:, None] * np.array([0.0, 0.1, 0.09]) + [0.12, 0.0, 0.0]
    reach(joints[0], ARMS[1], chest + away, tip=HAND)
    return joints


def test_a_blow_lands():
    (touch,) = find_touches(blow(follow_through=False))
    assert (touch.person, touch.point, touch.on) == (0, "right_hand", "chest")
    assert touch.stop - touch.start <= 3
    assert abs(touch.start - 30) <= 2


def high_five(parts: bool, apart: float = 0.06) -> np.ndarray:
    """Right hands that come together at 2 m/s, so far (m) apart at last, and part; or go on past each other."""
    joints = face_to_face(0.8)
    meet = np.add(joints[:, :, 16:18].mean(axis=(0, 2)), (0.0, 0.1, 0.0))
    frames = np.arange(60) - 30
    way = np.clip(np.abs(frames) if parts else frames, -8, 8)[:, None] * np.array([0.0, 0.0, 0.033])
    toward = np.sign(joints[1, 0, 0, 2] - joints[0, 0, 0, 2])
    for person, side in enumerate((-toward, toward)):
        reach(joints[person], ARMS[1], meet + side * np.add(way, (0.0, 0.0, apart / 2)), tip=HAND)
    return joints


@pytest.mark.parametrize(("apart", "asked"), [(0.06, []), (0.2, ["hand on hand"])])
def test_hands_that_come_together_and_part_have_met(apart, asked):
    (touch,) = find_touches(high_five(True, apart), asked=asked)
    assert (touch.point, touch.on) == ("right_hand", "right_hand")
    assert abs(touch.start - 30) <= 1
    assert touch.stop - touch.start == 2
    assert find_touches(high_five(parts=False)) == []


@pytest.mark.parametrize("asked", [[], ["hand on chest", "hand on shoulder"]])
def test_a_hand_that_goes_by_makes_no_touch(asked):
    assert find_touches(blow(follow_through=True), asked=asked) == []


def test_people_who_pass_make_no_touch():
    joints = np.stack([standing(), standing(at=(0.55, 0.0), yaw=np.pi)])
    walk = np.linspace(-1.3, 1.3, 60)[:, None, None] * np.array([0.0, 0.0, 1.0])
    joints = joints + np.stack([walk, -walk])
    gap = body_point(joints[0], "left_hand") - body_point(joints[1], "left_hand")
    assert np.linalg.norm(gap, axis=-1).min() < 0.15
    assert find_touches(joints) == []


def test_no_limb_is_in_two_touches_at_once():
    holds = [Touch(0, "left_hand", "right_hand", 20, 60), Touch(0, "right_hand", "left_hand", 20, 60)]
    found = find_touches(spoilt(keep_touches(face_to_face(0.6, 90), holds), (0.03, 0.0, 0.0)))
    assert {(touch.point, touch.on) for touch in found} == {
        ("left_hand", "right_hand"),
        ("right_hand", "left_hand"),
    }


def test_a_moment_and_people_far_apart_make_none():
    assert find_touches(face_to_face(0.5, 3)) == []
    assert find_touches(face_to_face(2.0)) == []
