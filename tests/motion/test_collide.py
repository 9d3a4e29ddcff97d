import numpy as np
import pytest

from intermamba.motion.collide import BONE_RADII, nearest_on_segments, overlaps, push_out
from intermamba.motion.metrics import foot_skate, penetration_depth
from intermamba.motion.skeleton import ARMS, PARENTS
from intermamba.motion.touch import Touch, keep_touches, touch_distance

from .people import bones_change, face_to_face, standing


def distance(a, b, c, d):
    s, t = nearest_on_segments(a, b, c, d)
    return np.linalg.norm(a + s[..., None] * (b - a) - c - t[..., None] * (d - c), axis=-1)


def test_segment_distance_is_that_of_the_nearest_points(rng):
    a, b, c, d = rng.standard_normal((4, 60, 3))
    s = np.linspace(0, 1, 101)
    first = a[:, None] + s[:, None] * (b - a)[:, None]
    second = c[:, None] + s[:, None] * (d - c)[:, None]
    brute = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1).min(axis=(1, 2))
    np.testing.assert_allclose(distance(a, b, c, d), brute, atol=0.02)
    assert (distance(a, b, c, d) <= brute + 1e-9).all()


def test_overlaps_are_all_pairs_of_bones_that_meet(rng):
    joints = face_to_face(0.3, frames=4) + 0.05 * rng.standard_normal((2, 4, 22, 3))
    found = overlaps(joints)
    seen = {(t, i, j): d for t, i, j, d in zip(found.frame, *found.bones, found.depth, strict=True)}
    for t in range(4):
        for i in range(1, 22):
            for j in range(1, 22):
                ends = joints[0, t, PARENTS[i]], joints[0, t, i], joints[1, t, PARENTS[j]], joints[1, t, j]
                depth = BONE_RADII[i - 1] + BONE_RADII[j - 1] - distance(*ends)
                assert seen.get((t, i, j), 0.0) == pytest.approx(max(depth, 0.0), abs=1e-6)


def test_bodies_part_smoothly_and_stand():
    joints = face_to_face(0.9)
    joints[1, ..., 2] -= 0.75 * np.sin(np.linspace(0, np.pi, 60))[:, None] ** 2
    out = push_out(joints)
    assert penetration_depth(joints).max() > 0.05
    assert penetration_depth(out).max() < 0.01
    assert bones_change(joints, out) < 1e-9
    assert foot_skate(out[0], 30) < 8  # the first stands, and makes room by a few centimetres


def test_an_arm_is_taken_out_of_the_other_alone():
    joints = face_to_face(0.5)
    stab = keep_touches(joints, [Touch(0, "right_hand", "back", 20, 40)])
    assert penetration_depth(stab).max() > 0.03
    out = push_out(stab)
    assert penetration_depth(out).max() < 0.02
    arm = list(ARMS[1][2:])
    others = [k for k in range(22) if k not in arm]
    assert np.abs(out[1] - stab[1]).max() < 0.05
    assert np.abs(out[0][:, others] - stab[0][:, others]).max() < 0.05
    assert np.abs(out[0][:, arm] - stab[0][:, arm]).max() > 0.05


def test_people_apart_are_left_alone():
    joints = face_to_face(1.0)
    np.testing.assert_array_equal(push_out(joints), joints)


def test_what_a_touch_brings_together_is_left():
    joints = face_to_face(0.75)
    touch = Touch(0, "right_hand", "left_upper_arm", 20, 40)
    joints = keep_touches(joints, [touch])
    joints[0, ..., 2] += 0.05
    assert penetration_depth(joints).max() > 0.005
    assert penetration_depth(joints, [touch]).max() == 0
    np.testing.assert_array_equal(push_out(joints, [touch]), joints)


def test_a_hand_that_touches_keeps_its_place_while_bodies_part():
    joints = np.stack([standing(), standing(at=(0.0, 0.16), yaw=np.pi)])
    touch = Touch(0, "left_hand", "upper_back", 15, 45)
    joints = keep_touches(joints, [touch])
    out = keep_touches(push_out(joints, [touch]), [touch])
    assert touch_distance(out, touch).max() < 0.01
    assert penetration_depth(out, [touch]).max() < 0.5 * penetration_depth(joints, [touch]).max()
