"""Keys and poses of a bone tree are each other's inverse, and a plain example comes out by hand."""

import numpy as np
import pytest

from intermamba.motion.rotations import normalise, quat_to_matrix
from intermamba.retarget.pose_space import basis_of, pose_of, split_basis

PARENTS = np.array([-1, 0, 1, 1, -1])


def random_matrices(rng, *shape):
    out = np.tile(np.eye(4), (*shape, 1, 1))
    out[..., :3, :3] = quat_to_matrix(normalise(rng.normal(size=(*shape, 4))))
    out[..., :3, 3] = rng.normal(size=(*shape, 3))
    return out


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_there_and_back(rng):
    rest, basis = random_matrices(rng, 5), random_matrices(rng, 7, 5)
    pose = pose_of(rest, PARENTS, basis)
    assert np.allclose(basis_of(rest, PARENTS, pose), basis)


def test_the_rest_pose_has_no_keys(rng):
    rest = random_matrices(rng, 5)
    assert np.allclose(basis_of(rest, PARENTS, rest[None]), np.eye(4))


def test_a_turned_parent_takes_its_child_along():
    rest = np.tile(np.eye(4), (2, 1, 1))
    rest[1, :3, 3] = (0, 1, 0)
    basis = np.tile(np.eye(4), (1, 2, 1, 1))
    basis[0, 0, :3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # a quarter turn about Z
    pose = pose_of(rest, np.array([-1, 0]), basis)
    assert np.allclose(pose[0, 1, :3, 3], (-1, 0, 0))


def test_keys_are_split_without_jumps(rng):
    basis = random_matrices(rng, 1, 2)
    turns = np.linspace(0, 4 * np.pi, 50)
    spin = np.stack([np.cos(turns / 2), np.zeros(50), np.zeros(50), np.sin(turns / 2)], axis=-1)
    basis = np.tile(basis, (50, 1, 1, 1))
    basis[:, 0, :3, :3] = quat_to_matrix(spin) * [1.0, 2.0, 3.0]
    locations, rotations, scales = split_basis(basis)
    assert np.allclose(locations, basis[..., :3, 3])
    assert np.allclose(scales[:, 0], [1, 2, 3])
    assert np.allclose(quat_to_matrix(rotations[:, 0]), quat_to_matrix(spin))
    assert (np.einsum("ti,ti->t", rotations[1:, 0], rotations[:-1, 0]) > 0.9).all()
