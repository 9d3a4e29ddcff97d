import numpy as np

from intermamba.motion.adjust import reach
from intermamba.motion.body_points import HAND
from intermamba.motion.finish import above_floor, calm, finish
from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.metrics import bone_length_cv, foot_skate, penetration_depth
from intermamba.motion.motion import Motion
from intermamba.motion.skeleton import ARMS, DEFAULT_REST, L_WRIST, PELVIS
from intermamba.motion.touch import Touch, keep_touches, touch_distance

from .people import bones_change, face_to_face, standing

SHAKE = Touch(0, "right_hand", "right_hand", 35, 60)


def motion(joints: np.ndarray) -> Motion:
    rest = np.stack([DEFAULT_REST, DEFAULT_REST])
    return Motion(
        joints=joints.astype(np.float32),
        rotations=fit_rotations(joints, rest).astype(np.float32),
        root=joints[:, :, PELVIS].astype(np.float32),
        rest=rest.astype(np.float32),
        contacts=np.ones((*joints.shape[:2], 4), np.float32),
        fps=30.0,
    )


def test_a_handshake_that_misses_is_made_real():
    joints = keep_touches(face_to_face(0.9, 90), [SHAKE])
    joints[1] += [0.06, 0.0, 0.05]
    before = motion(joints)
    after = finish(before)
    assert touch_distance(before.joints, SHAKE).min() > 0.06
    assert np.percentile(touch_distance(after.joints, SHAKE), 80) < 0.01
    assert bone_length_cv(after.joints) < 1e-5
    assert foot_skate(after.joints, 30) < 2
    np.testing.assert_allclose(fk(after.rotations, after.root, after.rest[:, None]), after.joints, atol=1e-6)
    assert {a.dtype for a in (after.joints, after.rotations, after.root)} == {np.dtype(np.float32)}


def test_bodies_come_out_of_each_other():
    joints = face_to_face(0.12, 90)
    before, after = motion(joints), finish(motion(joints))
    assert penetration_depth(before.joints).max() > 0.03
    assert np.percentile(penetration_depth(after.joints), 95) < 0.02


def test_what_needs_nothing_is_left_as_it_is():
    apart = motion(face_to_face(1.5))
    np.testing.assert_allclose(finish(apart).joints, apart.joints, atol=1e-4)


def test_nobody_is_in_the_floor():
    joints = standing(60)
    lying = np.stack([joints[..., 0], 0.03 - joints[..., 2], joints[..., 1]], axis=-1)
    lying[20:40, :, 1] -= 0.05
    out = above_floor(lying)
    assert lying[..., PELVIS, 1].min() < 0
    assert out[..., PELVIS, 1].min() > 0.04
    assert out[..., L_WRIST, 1].min() > 0.015
    assert bones_change(lying, out) < 1e-6
    np.testing.assert_array_equal(above_floor(joints), joints)


def test_calm_takes_pops_and_leaves_the_rest():
    joints = standing(60)
    swing = joints.copy()
    time = np.arange(60) / 30
    target = np.stack([0.2 + 0 * time, 1.2 + 0.1 * np.sin(6 * time), 0.3 + 0.1 * np.cos(6 * time)], axis=-1)
    reach(swing, ARMS[0], target, tip=HAND)
    np.testing.assert_allclose(calm(swing), swing, atol=1e-6)
    popped = swing.copy()
    reach(popped, ARMS[0], target + np.where(np.arange(60) == 30, 0.2, 0.0)[:, None], tip=HAND)
    out = calm(popped)
    jerk = [np.linalg.norm(np.diff(x[:, L_WRIST], n=3, axis=0), axis=-1).max() for x in (popped, out)]
    assert jerk[1] < 0.5 * jerk[0]
    assert bones_change(popped, out) < 1e-9
    np.testing.assert_allclose(out[:15], popped[:15], atol=1e-6)
