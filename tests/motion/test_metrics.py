import numpy as np
import pytest

from intermamba.motion.kinematics import fk
from intermamba.motion.metrics import (
    bone_length_cv,
    contact_distance,
    facing_partner,
    foot_skate,
    jerk_percentile,
    jitter,
    pelvis_distance,
    penetration,
    penetration_depth,
    summary,
)
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.rotations import yaw_quat
from intermamba.motion.skeleton import DEFAULT_REST, JOINTS, L_FOOT, L_WRIST, R_FOOT


def standing(frames=10, at=(0.0, 0.0, 0.0), yaw=0.0):
    rotations = np.tile([1.0, 0, 0, 0], (frames, JOINTS, 1))
    rotations[:, 0] = yaw_quat(yaw)
    joints = fk(rotations, np.zeros(3), DEFAULT_REST) + np.array(at)
    joints[..., 1] += TOE_HEIGHT - joints[..., L_FOOT, 1].min()
    return joints


def two(apart):
    return np.stack([standing(), standing(at=(0, 0, apart), yaw=np.pi)])


def test_skate_is_the_speed_of_a_foot_on_the_floor():
    joints = standing()
    assert foot_skate(joints, 30) == 0
    joints[..., 0] += 0.01 * np.arange(10)[:, None]  # 1 cm a frame
    assert foot_skate(joints, 30) == pytest.approx(30)
    assert foot_skate(joints, 60) == pytest.approx(60)
    joints[:, R_FOOT, 1] += 0.1  # lifted: only the other counts
    assert foot_skate(joints, 30) == pytest.approx(30)
    joints[:, L_FOOT, 1] += 0.1
    assert foot_skate(joints, 30) == 0


def test_jitter_is_the_third_derivative():
    joints = standing(12)
    time = np.arange(12) / 30.0
    joints[..., 0] += (2.0 * time**3 + time**2)[:, None]
    assert jitter(joints, 30) == pytest.approx(12.0)


def test_bone_length_variation_is_of_the_worst_bone():
    joints = standing(100)
    assert bone_length_cv(joints) < 1e-9
    bone = np.linalg.norm(DEFAULT_REST[L_WRIST])
    joints[::2, L_WRIST, 0] += 0.1 * bone
    assert bone_length_cv(joints) == pytest.approx(0.05 / 1.05, rel=1e-6)


def test_bodies_penetrate_only_when_they_meet():
    assert penetration(two(1.0)) == 0
    touching, inside = penetration(two(0.15)), penetration(two(0.02))
    assert 0 < touching < inside < 0.25


def test_penetration_depth_is_that_of_every_frame():
    joints = np.concatenate([two(1.0), two(0.02)], axis=1)
    depth = penetration_depth(joints)
    assert depth.shape == (20,)
    assert (depth[:10] == 0).all()
    np.testing.assert_allclose(depth[10:], penetration(two(0.02)))


def test_jerk_percentile_sees_one_pop():
    joints = standing(400)
    assert jerk_percentile(joints, 30) == 0
    joints[200, L_WRIST] += 0.1
    assert jerk_percentile(joints, 30) == 0  # 4 of 8734
    assert jerk_percentile(joints, 30, 100) == pytest.approx(3 * 0.1 * np.sqrt(3) * 30**3)


def test_distances_and_facing():
    joints = two(0.8)
    np.testing.assert_allclose(pelvis_distance(joints), 0.8, atol=1e-9)
    np.testing.assert_allclose(contact_distance(joints), contact_by_loops(joints), atol=1e-9)
    assert facing_partner(joints) == pytest.approx(1)
    assert facing_partner(np.stack([standing(), standing(at=(0, 0, 1))])) == pytest.approx(0)


def contact_by_loops(joints):
    out = []
    for t in range(joints.shape[1]):
        gaps = []
        for person in (0, 1):
            for wrist in (20, 21):
                gaps += [np.linalg.norm(joints[person, t, wrist] - point) for point in joints[1 - person, t]]
        out.append(min(gaps))
    return out


def test_summary_names_plain_numbers(pair):
    figures = summary(pair.joints, pair.fps)
    assert all(type(value) is float and np.isfinite(value) for value in figures.values())
    assert figures["bone_length_cv"] < 1e-4
