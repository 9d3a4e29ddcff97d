"""Twist is shared along a limb, and spare bones of the spine bend with it."""

import numpy as np
import pytest

from intermamba.motion.rotations import quat_from_axis_angle, quat_from_matrix
from intermamba.motion.skeleton import DEFAULT_REST, L_ELBOW, L_SHOULDER, L_WRIST, SPINE1, SPINE2, SPINE3
from intermamba.retarget import recognise
from intermamba.retarget.body import body_of, spins_on
from intermamba.retarget.extras import extra_spins

from .presets import PRESETS, preset_rig
from .rigs import unit_rotations

TWIST = np.radians(60.0)


def extras(title, joint, axis, angle, scale=1.0):
    """Body, joints' and extra bones' rotations by name, of a rig whose T-pose has one joint turned."""
    preset = next(one for one in PRESETS if one.title == title and one.scale == scale)
    rig = preset_rig(preset)
    rotations = unit_rotations()[None].repeat(2, axis=0)
    rotations[1, joint] = quat_from_axis_angle(np.array(axis), angle)
    body = body_of(rig, recognise(rig).bones, DEFAULT_REST)
    spins = spins_on(body, rotations)
    found = {rig.names[bone]: spin for bone, spin in extra_spins(body, spins).items()}
    return body, spins, found


def turn(spin):
    """Angle (degrees) from the first frame to the second."""
    return np.degrees(2 * np.arccos(np.clip(quat_from_matrix(spin[1] @ spin[0].T)[0], -1, 1)))


def test_a_twist_bone_takes_its_share_of_the_hands_twist():
    _, _, found = extras("Unreal Mannequin", L_WRIST, [1.0, 0.0, 0.0], TWIST)
    assert turn(found["lowerarm_twist_01_l"]) == pytest.approx(0.6 * 60.0, abs=1.0)
    assert turn(found["lowerarm_twist_01_r"]) == pytest.approx(0.0, abs=0.1)


def test_a_twist_bone_at_the_shoulder_takes_the_arms_twist_back():
    _, spins, found = extras("Unreal Mannequin", L_SHOULDER, [1.0, 0.0, 0.0], TWIST)
    assert turn(spins[L_SHOULDER]) == pytest.approx(60.0, abs=0.1)
    assert turn(found["upperarm_twist_01_l"]) == pytest.approx(0.1 * 60.0, abs=2.0)


def test_a_chain_of_two_bones_twists_in_its_second():
    _, spins, found = extras("Daz Genesis 3 and 8", L_SHOULDER, [1.0, 0.0, 0.0], TWIST)
    assert turn(found["lShldrBend"]) < 1.0
    assert turn(found["lShldrTwist"]) == pytest.approx(60.0, abs=1.0)
    assert turn(spins[L_ELBOW]) == pytest.approx(60.0, abs=0.1)


def test_spare_bones_of_the_spine_bend_with_it_and_the_next_joint_stays_where_it_was():
    body, spins, found = extras("Unreal Mannequin", SPINE2, [1.0, 0.0, 0.0], np.radians(30.0), scale=1.1)
    assert 5.0 < turn(found["spine_02"]) < 25.0
    heads, names = body.rig.heads(), body.rig.names
    first, spare, last = (names.index(name) for name in ("spine_01", "spine_02", "spine_03"))
    straight = spins[SPINE1] @ (heads[last] - heads[first])
    bent = found["spine_01"] @ (heads[spare] - heads[first]) + found["spine_02"] @ (
        heads[last] - heads[spare]
    )
    assert np.linalg.norm(straight - bent, axis=-1).max() < 0.003
    assert SPINE3 in spins
