"""Every kind of rig that is known by name plays a motion: limbs point as the source's, feet stand on the floor."""

import numpy as np
import pytest

from intermamba.motion.skeleton import JOINT_NAMES, L_ANKLE, L_FOOT, PARENTS, R_ANKLE, R_FOOT
from intermamba.retarget import recognise, retarget
from intermamba.retarget.body import Z_UP, body_of, standing_ankle
from tests.clips import synthetic_pair

from .presets import PRESETS, preset_rig
from .rigs import directions, posed_heads

IDS = [f"{preset.title} {preset.pose} {preset.scale:g}" for preset in PRESETS]
# Bones that a joint with no other child turns; pelvis and chest are a best fit of three.
SINGLE = [k for k in range(1, 22) if list(PARENTS).count(PARENTS[k]) == 1 and k not in (L_FOOT, R_FOOT)]


@pytest.fixture(scope="module")
def motion():
    return synthetic_pair(24)


@pytest.mark.parametrize("preset", PRESETS, ids=IDS)
def test_a_preset_is_recognised_and_plays(motion, preset):
    rig = preset_rig(preset)
    found = recognise(rig)
    assert found.title == preset.title
    assert found.bones == {joint: preset.table[joint] for joint in JOINT_NAMES if joint in preset.table}
    heads = posed_heads(rig, retarget(motion, 1, rig, found.bones))
    joints = heads[:, [rig.index(found.bones[joint]) for joint in JOINT_NAMES]]
    source = motion.joints[1].astype(float) @ Z_UP.T
    cosine = np.einsum("tki,tki->tk", directions(joints), directions(source))
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert angle[:, [k - 1 for k in SINGLE]].max() < 2.0
    assert angle[:, 2:].max() < 15.0
    body = body_of(rig, found.bones, motion.rest[1])
    for ankle, toe in ((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT)):
        planted = source[:, ankle, 2] - standing_ankle(motion.rest[1]) < 0.005
        assert planted.any()
        assert np.abs(joints[planted, ankle, 2] - body.ankle).max() < 0.01
        rest_toe = rig.heads()[rig.index(found.bones[JOINT_NAMES[toe]]), 2]
        assert np.abs(joints[planted, toe, 2] - rest_toe).max() < 0.01
