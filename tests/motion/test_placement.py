import numpy as np

from intermamba.motion.kinematics import fk
from intermamba.motion.placement import TOE_HEIGHT, facing, floor_height, mirror_pair, place_pair
from intermamba.motion.rotations import quat_apply, quat_multiply, yaw_quat
from intermamba.motion.skeleton import DEFAULT_REST, JOINTS, L_FOOT, L_WRIST, MIRROR, PELVIS, R_WRIST


def moved(pair, yaw=1.1, shift=(3.0, -0.4, 2.0)):
    rotations = pair.rotations.copy()
    rotations[..., 0, :] = quat_multiply(yaw_quat(yaw), rotations[..., 0, :])
    return quat_apply(yaw_quat(yaw), pair.joints) + np.array(shift), rotations


def test_facing_is_the_yaw_of_the_body():
    rest = np.tile([1.0, 0, 0, 0], (5, JOINTS, 1))
    yaws = np.linspace(-3, 3, 5)
    rest[:, PELVIS] = yaw_quat(yaws)
    np.testing.assert_allclose(facing(fk(rest, np.zeros((5, 3)), DEFAULT_REST)), yaws, atol=1e-9)


def test_placing_undoes_any_move_of_the_pair(pair):
    joints, rotations = place_pair(*moved(pair))
    placed, turned = place_pair(pair.joints, pair.rotations)
    np.testing.assert_allclose(joints, placed, atol=1e-5)
    np.testing.assert_allclose(np.abs((rotations * turned).sum(-1)), 1, atol=1e-6)
    np.testing.assert_allclose(joints[0, 0, PELVIS, ::2], 0, atol=1e-6)
    np.testing.assert_allclose(facing(joints[0, 0]), 0, atol=1e-6)
    assert abs(floor_height(joints)) < 1e-6


def test_placing_is_rigid_for_both_people_and_fk_still_holds(pair):
    joints, rotations = place_pair(*moved(pair))
    before = np.linalg.norm(pair.joints[0] - pair.joints[1], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(joints[0] - joints[1], axis=-1), before, atol=1e-5)
    np.testing.assert_allclose(fk(rotations, joints[..., 0, :], pair.rest[:, None]), joints, atol=1e-5)


def test_one_floor_keeps_a_difference_in_height(pair):
    joints = pair.joints.copy()
    joints[1, ..., 1] += 0.3  # the second person stands on a step
    placed, _ = place_pair(joints, pair.rotations)
    lowest = placed[..., L_FOOT, 1].min(axis=1)
    np.testing.assert_allclose(lowest, [TOE_HEIGHT, TOE_HEIGHT + 0.3], atol=0.01)


def test_stray_frames_do_not_move_the_floor(pair):
    joints = pair.joints.copy()
    joints[0, :2, L_FOOT, 1] = -1.0
    assert abs(floor_height(joints) - floor_height(pair.joints)) < 0.002


def test_mirror_exchanges_sides_and_twice_is_nothing(pair):
    joints, rotations, contacts = mirror_pair(pair.joints, pair.rotations, pair.contacts)
    np.testing.assert_array_equal(
        joints[..., L_WRIST, :], pair.joints[..., R_WRIST, :] * np.float32([-1, 1, 1])
    )
    np.testing.assert_array_equal(contacts[..., :2], pair.contacts[..., 2:])
    rest = pair.rest[:, MIRROR] * np.float32([-1, 1, 1])
    np.testing.assert_allclose(fk(rotations, joints[..., 0, :], rest[:, None]), joints, atol=2e-6)
    back = mirror_pair(joints, rotations, contacts)
    for a, b in zip(back, (pair.joints, pair.rotations, pair.contacts), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(mirror_pair(pair.joints, pair.rotations)) == 2
