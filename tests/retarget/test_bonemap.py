"""Bones are found by name in the usual namings, and a rig that is no body is refused in one sentence."""

import numpy as np
import pytest

from intermamba.errors import RetargetError
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget import Rig, map_bones
from intermamba.retarget.bonemap import plain_name

from .rigs import MIXAMO, make_rig

UNREAL = str.split("""
    pelvis thigh_l thigh_r spine_01 calf_l calf_r spine_02 foot_l foot_r spine_03 ball_l ball_r neck_01
    clavicle_l clavicle_r head upperarm_l upperarm_r lowerarm_l lowerarm_r hand_l hand_r
""")
RIGIFY_LIKE = str.split("""
    hips thigh.L thigh.R spine shin.L shin.R chest foot.L foot.R upper_chest toe.L toe.R neck
    shoulder.L shoulder.R head upper_arm.L upper_arm.R forearm.L forearm.R hand.L hand.R
""")
SPELLED_OUT = [name.replace("L_", "left_").replace("R_", "Right ") for name in JOINT_NAMES]


def rig_of(names: list[str]) -> Rig:
    return Rig(
        name="Rig",
        names=tuple(names),
        parents=np.full(len(names), -1),
        rest=np.tile(np.eye(4), (len(names), 1, 1)),
    )


@pytest.mark.parametrize(
    "names",
    [JOINT_NAMES, MIXAMO, [f"mixamorig:{name}" for name in MIXAMO], UNREAL, RIGIFY_LIKE, SPELLED_OUT],
    ids=["mannequin", "mixamo", "mixamo with prefix", "unreal", "blender", "spelled out"],
)
def test_each_joint_finds_its_bone(names):
    assert map_bones(make_rig(names=names)) == dict(zip(JOINT_NAMES, names, strict=True))


def test_other_bones_do_not_matter():
    names = [*MIXAMO, "LeftHandThumb1", "HeadTop_End", "Root", "LeftUpLegTwist"]
    assert map_bones(rig_of(names[::-1])) == dict(zip(JOINT_NAMES, MIXAMO, strict=True))


def test_the_chest_is_the_highest_bone_of_a_short_spine():
    names = [name for name in RIGIFY_LIKE if name != "upper_chest"]
    found = map_bones(rig_of(names))
    assert (found["spine1"], found["spine3"]) == ("spine", "chest")
    assert "spine2" not in found


def test_what_is_missing_is_named():
    with pytest.raises(RetargetError, match="left knee and right elbow") as caught:
        map_bones(rig_of([name for name in MIXAMO if name not in ("LeftLeg", "RightForeArm")]))
    assert "\n" not in str(caught.value)


def test_a_rig_without_a_body_is_refused():
    with pytest.raises(RetargetError, match='"Rig" does not look humanoid'):
        map_bones(rig_of(["Bone", "Bone.001", "Door.L"]))
    with pytest.raises(RetargetError, match="does not look humanoid"):
        map_bones(Rig(name="Rig", names=(), parents=np.zeros(0, int), rest=np.zeros((0, 4, 4))))


@pytest.mark.parametrize(
    ("bone", "plain"),
    [
        ("mixamorig:LeftUpLeg", "L upleg"),
        ("upper_arm.R", "R upperarm"),
        ("Spine_01", "spine01"),
        ("RIGHT_HIP", "R hip"),
        ("calf_l", "L calf"),
        ("Leftovers", "leftovers"),
    ],
)
def test_names_have_one_plain_form(bone, plain):
    assert plain_name(bone) == plain
