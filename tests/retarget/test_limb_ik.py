"""Poles in the plane of a limb, also of a straight one; lengths that IK has changed are restored."""

import numpy as np
import pytest

from intermamba.retarget.limb_ik import bend_direction, unstretched

ROOT = np.zeros((1, 3))


def limb(angle, lengths=(0.5, 0.4)):
    """Joint and end (1,3) of a limb that hangs down and bends forward (Y) by an angle in degrees."""
    joint = np.array([[0.0, 0.0, -lengths[0]]])
    turn = np.radians(angle)
    return joint, joint + lengths[1] * np.array([[0.0, -np.sin(turn), -np.cos(turn)]])


@pytest.mark.parametrize("angle", [5.0, 40.0, 120.0])
def test_the_pole_lies_in_the_plane_on_the_side_of_the_joint(angle):
    joint, end = limb(angle)
    pole = bend_direction(ROOT, joint, end, np.array([[1.0, 0.2, 0.0]]))[0]
    assert np.linalg.norm(pole) == pytest.approx(1.0)
    assert pole @ end[0] == pytest.approx(0.0, abs=1e-9)
    if angle > 10:
        assert abs(pole[0]) < 1e-9
        assert pole @ joint[0] > 0


def test_a_straight_limb_keeps_the_pole_of_its_upper_bone():
    joint, end = limb(0.0)
    assert np.allclose(bend_direction(ROOT, joint, end, np.array([[0.3, 0.0, 5.0]])), [[1.0, 0.0, 0.0]])


def test_the_pole_does_not_jump_where_a_limb_straightens():
    poles = [
        bend_direction(ROOT, *limb(angle), np.array([[1.0, 1.0, 0.0]]))[0] for angle in np.linspace(0, 30, 61)
    ]
    assert np.linalg.norm(np.diff(poles, axis=0), axis=1).max() < 0.15


def poses(*heads):
    out = np.tile(np.eye(4), (len(heads), 1, 1, 1))
    out[:, 0, :3, 3] = np.concatenate(heads)
    return out


@pytest.mark.parametrize("stretch", [0.97, 1.0, 1.05])
def test_lengths_are_restored_and_the_end_stays(stretch):
    joint, end = stretch * np.array(limb(70.0))
    upper, lower = unstretched(*poses(ROOT, joint, end), (0.5, 0.4))
    assert np.linalg.norm(lower[0, :3, 3]) == pytest.approx(0.5)
    assert np.linalg.norm(end - lower[:, :3, 3]) == pytest.approx(0.4)
    assert lower[0, 0, 3] == pytest.approx(0.0)
    # The bones have turned with their ends.
    assert np.allclose(upper[0, :3, :3] @ joint[0] * 0.5 / np.linalg.norm(joint), lower[0, :3, 3])
    along = lower[0, :3, :3] @ (end - joint)[0]
    assert np.allclose(lower[0, :3, 3] + 0.4 * along / np.linalg.norm(along), end[0])


def test_an_end_out_of_reach_is_reached_for():
    joint, end = 1.3 * np.array(limb(10.0))
    _, lower = unstretched(*poses(ROOT, joint, end), (0.5, 0.4))
    assert np.allclose(lower[0, :3, 3], 0.5 * end[0] / np.linalg.norm(end), atol=1e-4)
