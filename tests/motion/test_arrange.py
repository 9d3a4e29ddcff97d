"""A pair changed as a whole stays a motion: its joints follow from its rotations, and nobody's body is bent."""

import numpy as np
import pytest

from intermamba.motion.arrange import mirror_motion, spread_pair, swap_people
from intermamba.motion.kinematics import fk
from intermamba.motion.placement import facing
from intermamba.motion.skeleton import L_WRIST, R_WRIST
from tests.clips import synthetic_pair


@pytest.fixture(scope="module")
def pair():
    return synthetic_pair(40)


@pytest.mark.parametrize(
    "change",
    [swap_people, mirror_motion, lambda pair: spread_pair(pair, 0.4)],
    ids=["swap", "mirror", "spread"],
)
def test_it_stays_a_motion(pair, change):
    changed = change(pair)
    joints = fk(changed.rotations, changed.root, changed.rest[:, None])
    assert np.abs(joints - changed.joints).max() < 1e-5
    assert changed.prompt == pair.prompt


def test_swapping_and_mirroring_twice_is_nothing(pair):
    for change in (swap_people, mirror_motion):
        twice = change(change(pair))
        assert np.array_equal(twice.joints, pair.joints)
        assert np.array_equal(twice.contacts, pair.contacts)


def test_a_swapped_pair_stands_where_it_stood(pair):
    swapped = swap_people(pair)
    assert np.array_equal(swapped.joints[0], pair.joints[1])
    assert np.array_equal(swapped.rest[1], pair.rest[0])


def test_a_mirrored_left_hand_is_the_right_one(pair):
    mirrored = mirror_motion(pair)
    assert np.allclose(mirrored.joints[:, :, L_WRIST], pair.joints[:, :, R_WRIST] * [-1, 1, 1])


def test_a_spread_pair_is_farther_apart_by_as_much(pair):
    def distance(motion):
        return np.linalg.norm((motion.root[1] - motion.root[0]).mean(axis=0)[[0, 2]])

    assert distance(spread_pair(pair, 0.4)) == pytest.approx(distance(pair) + 0.4, abs=1e-5)
    assert np.array_equal(spread_pair(pair, 0.4).joints[0], pair.joints[0])


def test_people_on_one_spot_part_where_the_first_one_faces(pair):
    same = type(pair)(**{**vars(pair), "root": np.stack([pair.root[0]] * 2)})
    move = (spread_pair(same, 0.5).root - same.root)[1, 0]
    yaw = facing(pair.joints[0, 0])
    assert np.allclose(move, [0.5 * np.sin(yaw), 0, 0.5 * np.cos(yaw)], atol=1e-6)
