import numpy as np
import pytest

from intermamba.motion.rotations import (
    kabsch,
    normalise,
    quat_angle,
    quat_apply,
    quat_between,
    quat_from_axis_angle,
    quat_from_matrix,
    quat_inverse,
    quat_multiply,
    quat_slerp,
    quat_to_matrix,
    quat_unroll,
    rotation_from_6d,
    rotation_to_6d,
    yaw_quat,
)


def rodrigues(axis, angle):
    """Rotation matrix by Rodrigues' formula, the reference for everything else here."""
    x, y, z = axis / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def test_axis_angle_is_rodrigues(rng):
    for _ in range(20):
        axis, angle = rng.standard_normal(3), rng.uniform(-6, 6)
        matrix = quat_to_matrix(quat_from_axis_angle(axis, angle))
        np.testing.assert_allclose(matrix, rodrigues(axis, angle), atol=1e-12)


def test_product_inverse_and_apply_are_those_of_matrices(rng, random_quats):
    a, b, v = random_quats(5, 4), random_quats(5, 4), rng.standard_normal((5, 4, 3))
    np.testing.assert_allclose(
        quat_to_matrix(quat_multiply(a, b)), quat_to_matrix(a) @ quat_to_matrix(b), atol=1e-12
    )
    np.testing.assert_allclose(quat_to_matrix(quat_inverse(a)), np.linalg.inv(quat_to_matrix(a)), atol=1e-12)
    np.testing.assert_allclose(quat_apply(a, v), (quat_to_matrix(a) @ v[..., None])[..., 0], atol=1e-12)


def test_from_matrix_undoes_to_matrix_even_for_half_turns(random_quats):
    half_turns = np.concatenate([np.zeros((6, 1)), normalise(np.vstack([np.eye(3), 1 - np.eye(3)]))], axis=1)
    q = np.concatenate([random_quats(200), half_turns, [[1.0, 0, 0, 0]]])
    back = quat_from_matrix(quat_to_matrix(q))
    assert quat_angle(q, back).max() < 1e-7
    assert (back[:, 0] >= 0).all()


def test_between_is_the_smallest_turn_onto_the_direction(rng):
    a, b = rng.standard_normal((50, 3)), rng.standard_normal((50, 3))
    q = quat_between(a, b)
    np.testing.assert_allclose(quat_apply(q, normalise(a)), normalise(b), atol=1e-9)
    angle = np.arccos((normalise(a) * normalise(b)).sum(-1))
    np.testing.assert_allclose(
        quat_angle(q, quat_from_axis_angle(np.array([1.0, 0, 0]), 0.0)), angle, atol=1e-7
    )


def test_between_opposite_directions_is_a_half_turn():
    a = np.eye(3)
    np.testing.assert_allclose(quat_apply(quat_between(a, -a), a), -a, atol=1e-9)


def test_slerp_moves_evenly_the_short_way(random_quats):
    a, b = random_quats(30), random_quats(30)
    whole = quat_angle(a, b)
    for fraction in (0.0, 0.3, 1.0):
        between = quat_slerp(a, -b, fraction)
        np.testing.assert_allclose(quat_angle(a, between), fraction * whole, atol=1e-6)
        np.testing.assert_allclose(quat_angle(between, b), (1 - fraction) * whole, atol=1e-6)


def test_unroll_leaves_rotations_and_removes_sign_jumps():
    smooth = yaw_quat(np.linspace(0, 12, 60))
    jumpy = smooth * np.where(np.arange(60) % 7 < 3, -1, 1)[:, None]
    fixed = quat_unroll(jumpy, axis=0)
    assert (np.einsum("ti,ti->t", fixed[1:], fixed[:-1]) > 0.9).all()
    assert quat_angle(fixed, jumpy).max() < 1e-7


def test_yaw_turns_forward_to_left():
    np.testing.assert_allclose(quat_apply(yaw_quat(np.pi / 2), np.array([0, 0, 1.0])), [1, 0, 0], atol=1e-12)


def test_6d_is_two_columns_stored_row_by_row(random_quats):
    q = random_quats(10)
    m = quat_to_matrix(q)
    for values, r in zip(rotation_to_6d(q), m, strict=True):
        assert values.tolist() == [r[0, 0], r[0, 1], r[1, 0], r[1, 1], r[2, 0], r[2, 1]]
    assert quat_angle(rotation_from_6d(rotation_to_6d(q)), q).max() < 1e-7


def test_6d_of_a_network_gives_proper_rotations(rng):
    matrices = quat_to_matrix(rotation_from_6d(rng.standard_normal((100, 6))))
    np.testing.assert_allclose(
        matrices @ np.swapaxes(matrices, 1, 2), np.tile(np.eye(3), (100, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1)


@pytest.mark.parametrize("flat", [False, True])
def test_kabsch_finds_the_rotation(rng, random_quats, flat):
    points = rng.standard_normal((20, 5, 3)) * ([1, 1, 0] if flat else [1, 1, 1])
    true = quat_to_matrix(random_quats(20))
    found = kabsch(points, np.einsum("bij,bnj->bni", true, points))
    np.testing.assert_allclose(found, true, atol=1e-9)


def test_kabsch_is_best_among_rotations_near_it_and_no_reflection(rng, random_quats):
    source, target, weights = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.uniform(0.1, 2, 4)
    best = kabsch(source, target, weights)

    def cost(r):
        return (weights * np.square(source @ r.T - target).sum(-1)).sum()

    assert np.linalg.det(best) == pytest.approx(1)
    assert all(cost(best) <= cost(r) + 1e-12 for r in quat_to_matrix(random_quats(500)))
    nudges = quat_to_matrix(quat_from_axis_angle(rng.standard_normal((100, 3)), 0.01))
    assert all(cost(best) <= cost(best @ r) for r in nudges)
