import numpy as np
import pytest

from intermamba.motion.kinematics import (
    bone_vectors,
    fit_rotations,
    fk,
    global_rotations,
    measure_rest,
    rest_from_joints,
)
from intermamba.motion.rotations import (
    quat_angle,
    quat_apply,
    quat_between,
    quat_from_axis_angle,
    quat_multiply,
    quat_to_matrix,
)
from intermamba.motion.skeleton import (
    ARMS,
    DEFAULT_REST,
    HINGE_AXES,
    JOINT_NAMES,
    JOINTS,
    L_ANKLE,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    LEGS,
    MIRROR,
    PARENTS,
    PELVIS,
    SPINE3,
)

IDENTITY = np.array([1.0, 0, 0, 0])


def still(frames: int) -> np.ndarray:
    return np.tile(IDENTITY, (frames, JOINTS, 1))


def fk_by_loops(rotations, root, rest):
    """One frame, one joint after the other, with 4x4 matrices."""
    world = []
    for k in range(JOINTS):
        local = np.eye(4)
        local[:3, :3] = quat_to_matrix(rotations[k])
        local[:3, 3] = rest[k] if k else root
        world.append(local if k == 0 else world[PARENTS[k]] @ local)
    return np.array([w[:3, 3] for w in world]), np.array([w[:3, :3] for w in world])


def test_skeleton_is_a_symmetric_tree_with_parents_first():
    assert (PARENTS[1:] < np.arange(1, JOINTS)).all()
    assert (MIRROR[MIRROR] == np.arange(JOINTS)).all()
    assert JOINT_NAMES[MIRROR[L_KNEE]] == "R_knee"
    np.testing.assert_array_equal(DEFAULT_REST[MIRROR] * [-1, 1, 1], DEFAULT_REST)


def test_fk_is_a_chain_of_transforms(rng, random_quats):
    rotations, root, rest = (
        random_quats(2, 3, JOINTS),
        rng.standard_normal((2, 3, 3)),
        rng.standard_normal((JOINTS, 3)),
    )
    joints, spins = fk(rotations, root, rest), quat_to_matrix(global_rotations(rotations))
    for index in np.ndindex(2, 3):
        points, matrices = fk_by_loops(rotations[index], root[index], rest)
        np.testing.assert_allclose(joints[index], points, atol=1e-9)
        np.testing.assert_allclose(spins[index], matrices, atol=1e-9)


def test_rest_from_joints_finds_the_rest_pose(rng, random_quats):
    rotations, rest = random_quats(2, 5, JOINTS), rng.standard_normal((2, JOINTS, 3))
    rest[:, 0] = 0
    joints = fk(rotations, rng.standard_normal((2, 5, 3)), rest[:, None])
    np.testing.assert_allclose(rest_from_joints(joints, rotations), rest, atol=1e-9)


def test_fit_reproduces_the_joints(pair):
    fitted = fit_rotations(pair.joints, pair.rest)
    np.testing.assert_allclose(fk(fitted, pair.root, pair.rest[:, None]), pair.joints, atol=2e-6)


def test_fit_with_a_hint_keeps_its_twist_and_follows_the_joints(pair, rng):
    rotations = pair.rotations.astype(float)
    assert quat_angle(fit_rotations(pair.joints, pair.rest, rotations), rotations).max() < 1e-3
    rolled = rotations.copy()
    axis = DEFAULT_REST[L_ELBOW]
    rolled[..., L_SHOULDER, :] = quat_multiply(rolled[..., L_SHOULDER, :], quat_from_axis_angle(axis, 0.7))
    fitted = fit_rotations(pair.joints, pair.rest, rolled)
    np.testing.assert_allclose(fk(fitted, pair.root, pair.rest[:, None]), pair.joints, atol=2e-6)
    assert quat_angle(fitted, rolled)[..., L_SHOULDER].max() < 1e-3


@pytest.mark.parametrize("limb", [*ARMS, *LEGS])
def test_fit_finds_the_twist_of_a_bent_limb(limb, rng):
    frames = 20
    _, upper, middle, _ = limb
    rotations = still(frames)
    swings = rng.standard_normal((frames, 3)) * [0.6, 0.6, 0.6]
    rotations[:, upper] = quat_from_axis_angle(swings, np.linalg.norm(swings, axis=-1))
    rotations[:, middle] = quat_from_axis_angle(HINGE_AXES[middle], rng.uniform(0.7, 2.0, frames))
    bones = DEFAULT_REST / np.maximum(np.linalg.norm(DEFAULT_REST, axis=-1, keepdims=True), 1e-9)
    rest = DEFAULT_REST.copy()
    for joint in (middle, limb[3]):  # a straight limb, so that the hinge is square to both bones
        rest[joint] = np.round(bones[joint]) * 0.3
    fitted = fit_rotations(fk(rotations, np.zeros((frames, 3)), rest), rest)
    assert quat_angle(fitted, rotations)[:, (upper, middle)].max() < 1e-5


def test_pelvis_and_chest_are_found_exactly(random_quats):
    rotations = still(6)
    rotations[:, (PELVIS, SPINE3)] = random_quats(6, 2)
    fitted = global_rotations(fit_rotations(fk(rotations, np.zeros((6, 3)), DEFAULT_REST), DEFAULT_REST))
    wanted = global_rotations(rotations)
    assert quat_angle(fitted, wanted)[:, (PELVIS, SPINE3)].max() < 1e-6


def test_an_arm_that_straightens_does_not_flip():
    time = np.linspace(0, 2 * np.pi, 120)
    rotations = still(120)
    rotations[:, L_SHOULDER] = quat_from_axis_angle(np.array([0.3, 0, -1.0]), 0.6 + 0.5 * np.sin(time))
    bend = 0.5 * np.sin(2 * time)  # through straight, and a little beyond, four times
    rotations[:, L_ELBOW] = quat_from_axis_angle(HINGE_AXES[L_ELBOW], np.maximum(bend, -0.05))
    fitted = fit_rotations(fk(rotations, np.zeros((120, 3)), DEFAULT_REST), DEFAULT_REST)
    assert np.degrees(quat_angle(fitted[1:], fitted[:-1])).max() < 8


def test_a_straight_leg_turns_with_its_foot():
    rotations = still(3)
    rotations[:, L_HIP] = quat_from_axis_angle(np.array([0, 1.0, 0]), 0.5)
    rest = DEFAULT_REST * 1.0
    rest[(L_KNEE, L_ANKLE), :] = [0, -0.4, 0]
    rest[L_FOOT] = [0, -0.06, 0.12]
    thigh = global_rotations(fit_rotations(fk(rotations, np.zeros((3, 3)), rest), rest))[:, L_HIP]
    assert np.degrees(quat_angle(thigh, rotations[:, L_HIP])).max() < 8


def test_measured_rest_has_the_clips_bones(pair):
    rest = measure_rest(pair.joints)
    wanted = np.linalg.norm(pair.rest, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(rest, axis=-1), wanted, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(bone_vectors(pair.joints), axis=-1).mean(1), wanted, atol=1e-5)
    fitted = fit_rotations(pair.joints, rest)
    np.testing.assert_allclose(fk(fitted, pair.root, rest[:, None]), pair.joints, atol=1e-5)


def test_a_measured_foot_rests_flat(pair):
    np.testing.assert_allclose(measure_rest(pair.joints)[:, L_FOOT, 1], pair.rest[:, L_FOOT, 1], atol=0.01)
    assert measure_rest(pair.joints)[0, L_ANKLE, 1] < 0


def test_fit_of_one_frame_and_without_people_axis(pair):
    fitted = fit_rotations(pair.joints[0, :1], pair.rest[0])
    assert fitted.shape == (1, JOINTS, 4)
    np.testing.assert_allclose(fk(fitted, pair.root[0, :1], pair.rest[0]), pair.joints[0, :1], atol=2e-6)


def test_twist_of_the_neck_is_that_of_the_chest(pair):
    spins = global_rotations(fit_rotations(pair.joints, pair.rest))
    neck, chest = spins[..., JOINT_NAMES.index("neck"), :], spins[..., SPINE3, :]
    head = pair.rest[:, None, JOINT_NAMES.index("head")]
    swing = quat_between(quat_apply(chest, head), quat_apply(neck, head))
    assert quat_angle(quat_multiply(swing, chest), neck).max() < 1e-6
