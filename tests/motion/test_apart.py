"""People are pushed apart where they are too near, smoothly, and left alone elsewhere."""

import numpy as np

from intermamba.motion.apart import keep_apart
from intermamba.motion.features import POSITIONS, VELOCITIES, encode
from tests.clips import synthetic_pair


def crossing(frames=90):
    """Features of two people who walk straight through each other, and the pelvis paths."""
    motion = synthetic_pair(frames + 1)
    joints = motion.joints.copy()
    joints[..., 0] -= joints[:, :, :1, 0]
    joints[..., 2] -= joints[:, :, :1, 2]
    path = np.linspace(-1.5, 1.5, frames + 1)
    joints[0, ..., 2] += path[:, None]
    joints[1, ..., 2] -= path[:, None]
    joints[1, ..., 0] += 0.05
    return encode(joints, motion.rotations)


def pelvis_distance(features):
    pelvis = features[..., [0, 2]]
    return np.linalg.norm(pelvis[1] - pelvis[0], axis=-1)


def test_people_who_cross_give_way():
    features = crossing()
    assert pelvis_distance(features).min() < 0.06
    assert pelvis_distance(keep_apart(features, 0.4)).min() > 0.2


def test_nothing_changes_while_they_are_far_apart():
    features = crossing()
    far = pelvis_distance(features) > 1.5
    np.testing.assert_allclose(keep_apart(features, 0.4)[:, far], features[:, far], atol=1e-6)


def test_bodies_move_as_a_whole_along_the_floor_and_velocities_follow():
    features = crossing()
    apart = keep_apart(features, 0.4)
    shift = (apart - features)[..., POSITIONS].reshape(2, -1, 22, 3)
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :, :1], shift.shape), atol=1e-6)
    np.testing.assert_allclose(shift[..., 1], 0, atol=1e-7)
    np.testing.assert_allclose(shift[0], -shift[1], atol=1e-6)
    velocity = (apart - features)[..., VELOCITIES].reshape(2, -1, 22, 3)
    np.testing.assert_allclose(velocity[:, :-1], np.diff(shift, axis=1), atol=1e-6)
    assert np.abs(np.diff(shift, axis=1)).max() < 0.05  # metres a frame: no jumps


def test_batches_of_pairs_are_handled_one_by_one():
    features = crossing()
    both = keep_apart(np.stack([features, features[::-1]]), 0.4)
    np.testing.assert_allclose(both[0], keep_apart(features, 0.4), atol=1e-6)
