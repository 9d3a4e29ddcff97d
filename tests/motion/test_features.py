import numpy as np

from intermamba.motion.features import (
    CONTACTS,
    FEATURES,
    POSITIONS,
    ROTATIONS,
    VELOCITIES,
    decode,
    encode,
    foot_contacts,
)
from intermamba.motion.rotations import quat_angle
from intermamba.motion.skeleton import FEET


def test_layout_covers_262_features_once():
    parts = [POSITIONS, VELOCITIES, ROTATIONS, CONTACTS]
    assert [i for part in parts for i in range(FEATURES)[part]] == list(range(FEATURES))


def test_encode_puts_each_value_where_interhuman_has_it(pair):
    features = encode(pair.joints, pair.rotations)
    assert features.shape == (2, pair.frames - 1, FEATURES)
    assert features.dtype == np.float32
    joint, axis = 5, 2
    assert features[1, 7, 3 * joint + axis] == pair.joints[1, 7, joint, axis]
    step = pair.joints[1, 8, joint, axis] - pair.joints[1, 7, joint, axis]
    assert features[1, 7, 66 + 3 * joint + axis] == step


def test_decode_undoes_encode(pair):
    said = decode(encode(pair.joints, pair.rotations))
    np.testing.assert_array_equal(said.joints, pair.joints[:, :-1])
    np.testing.assert_allclose(said.velocities, np.diff(pair.joints, axis=1), atol=1e-7)
    assert quat_angle(said.rotations, pair.rotations[:, :-1, 1:]).max() < 1e-3


def test_decode_clips_contacts_of_a_network(pair):
    features = encode(pair.joints, pair.rotations)
    features[..., CONTACTS] = [-0.5, 1.5, 0.25, 1.0]
    np.testing.assert_array_equal(decode(features).contacts[0, 0], [0, 1, 0.25, 1])


def test_contact_needs_a_low_and_slow_foot():
    joints = np.zeros((4, 22, 3))
    joints[:, FEET[0], 1] = 0.119  # a still ankle just under its bound
    joints[:, FEET[1], 1] = 0.051  # a still toe just over it
    joints[:, FEET[2], 0] = 0.031 * np.arange(4)  # squared step 0.00096
    joints[:, FEET[3], 0] = 0.032 * np.arange(4)  # squared step 0.00102
    np.testing.assert_array_equal(foot_contacts(joints), np.tile([1, 0, 1, 0], (3, 1)))
