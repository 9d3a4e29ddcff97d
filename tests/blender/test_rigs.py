"""Rigs as Blender has them: bone maps shown, corrected and saved, and Rigify's controls."""

import bpy
import numpy as np
import pytest

from blender_addon.actions import bags_of
from blender_addon.bone_map import bone_map_of, load_presets
from blender_addon.placing import place_motion
from blender_addon.rigs import PERSON_KEY, make_mannequin, read_rig
from intermamba.errors import RetargetError
from intermamba.motion.skeleton import DEFAULT_REST, JOINT_NAMES, L_ELBOW, L_WRIST, R_HIP, R_KNEE

from .scenes import in_blender


@pytest.fixture
def person(scene):
    """A mannequin as a rig of the user's, picked as person A."""
    ob = make_mannequin(bpy.context, "A", DEFAULT_REST)
    del ob[PERSON_KEY]
    scene.intermamba.person_a = ob
    return ob


def test_bones_are_shown_corrected_and_saved(scene, person):
    person.data.bones["L_elbow"].name = "strange"
    assert bpy.ops.intermamba.bones_edit() == {"FINISHED"}
    rows = {row.name: row for row in person.intermamba_joints}
    assert list(rows) == list(JOINT_NAMES)
    rows["L_elbow"].bone = ""
    with pytest.raises(RetargetError, match="left elbow"):
        bone_map_of(person)
    rows["L_elbow"].bone = "strange"
    assert bone_map_of(person).bones["L_elbow"] == "strange"
    scene.intermamba_bone_maps.preset = "My studio"
    bpy.ops.intermamba.bones_save()
    bpy.ops.intermamba.bones_reset()
    assert not person.intermamba_joints
    assert bone_map_of(person).title == "My studio"
    bpy.ops.intermamba.bones_forget()
    assert load_presets() == {}


def test_a_bone_cannot_be_two_joints(scene, person):
    bpy.ops.intermamba.bones_edit()
    person.intermamba_joints["L_elbow"].bone = "R_elbow"
    with pytest.raises(RetargetError, match="R_elbow twice"):
        place_motion(bpy.context, None, (person, None), 1)


def test_bones_with_constraints_are_not_free(person):
    person.pose.bones["head"].constraints.new("COPY_ROTATION")
    person.data.bones["neck"].use_deform = False
    rig = read_rig(person)
    assert [name for name, free in zip(rig.names, rig.free, strict=True) if not free] == ["neck", "head"]


@pytest.fixture
def rigs(scene):
    """Two generated Rigify rigs."""
    bpy.ops.preferences.addon_enable(module="rigify")
    made = []
    for _ in range(2):
        bpy.ops.object.armature_basic_human_metarig_add()
        metarig = bpy.context.object
        before = set(bpy.data.objects)
        bpy.ops.pose.rigify_generate()
        made.append(next(ob for ob in bpy.data.objects if ob not in before and ob.type == "ARMATURE"))
        bpy.data.objects.remove(metarig)
    return made


def test_generated_rigify_rigs_follow_on_their_controls(scene, rigs, motion):
    assert [bone_map_of(ob).title for ob in rigs] == ["Rigify", "Rigify"]
    place_motion(bpy.context, motion, tuple(rigs), 1)
    for n, ob in enumerate(rigs):
        for track in ob.animation_data.nla_tracks:
            track.mute = True
        for frame in (1, 17, 33):
            scene.frame_set(frame)
            source = in_blender(motion.joints[n, frame - 1])
            for bone, start, end in (("DEF-forearm.L", L_ELBOW, L_WRIST), ("DEF-thigh.R", R_HIP, R_KNEE)):
                head = ob.pose.bones[bone].head
                after = {"DEF-forearm.L": "DEF-hand.L", "DEF-thigh.R": "DEF-shin.R"}[bone]
                along = np.array(ob.pose.bones[after].head - head)
                wanted = source[end] - source[start]
                cosine = along @ wanted / np.linalg.norm(along) / np.linalg.norm(wanted)
                assert np.degrees(np.arccos(min(cosine, 1.0))) < 2.0, (bone, frame)


LIMBS = [f"DEF-{bone}.{side}" for bone in ("forearm", "hand", "shin", "foot", "toe") for side in "LR"]


def posed(rigs, bones=LIMBS, frames=(1, 9, 20, 33, 40)):
    """Poses (rig, frame, bone, 4, 4) of deforming bones."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append(np.array([[ob.pose.bones[bone].matrix for bone in bones] for ob in rigs]))
    return np.array(out).swapaxes(0, 1)


def apart(poses, others):
    """The greatest distance in metres, and turn in degrees, between poses (..., 4, 4)."""
    turn = np.swapaxes(poses[..., :3, :3], -1, -2) @ others[..., :3, :3]
    cosine = 0.5 * (np.trace(turn, axis1=-2, axis2=-1) - 1.0)
    return (
        np.linalg.norm(poses[..., :3, 3] - others[..., :3, 3], axis=-1).max(),
        np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).max(),
    )


def test_rigify_limbs_are_baked_to_ik_controls_and_back(scene, rigs, motion):
    place_motion(bpy.context, motion, tuple(rigs), 1)
    scene.intermamba.person_a, scene.intermamba.person_b = rigs
    before, frame = posed(rigs), scene.frame_current
    held = sorted(action.name for action in bpy.data.actions if "contacts" not in action.name)
    assert bpy.ops.intermamba.bake_controls(kind="IK") == {"FINISHED"}
    assert scene.frame_current == frame
    assert len(bpy.data.scenes) == 1
    assert sorted(action.name for action in bpy.data.actions) == held
    for ob in rigs:
        assert ob.pose.bones["upper_arm_parent.L"]["IK_FK"] == 0.0
        ob.pose.bones["upper_arm_fk.L"].rotation_quaternion = (0, 1, 0, 0)
    after = posed(rigs)
    assert apart(before, after)[0] < 0.03  # Rigify's IK shortens bent limbs
    ends = [n for n, bone in enumerate(LIMBS) if "hand" in bone or "foot" in bone or "toe" in bone]
    assert apart(before[:, :, ends], after[:, :, ends])[0] < 0.002
    assert apart(before[:, :, ends], after[:, :, ends])[1] < 1.0
    assert bpy.ops.intermamba.bake_controls(kind="FK") == {"FINISHED"}
    back = posed(rigs)
    assert rigs[0].pose.bones["thigh_parent.R"]["IK_FK"] == 1.0
    assert apart(before, back)[0] < 0.002
    assert apart(before[:, :, ends], back[:, :, ends])[1] < 1.0


def test_ik_hands_stay_where_they_are_when_the_body_is_moved(scene, rigs, motion):
    place_motion(bpy.context, motion, tuple(rigs), 1)
    scene.intermamba.person_a, scene.intermamba.person_b = rigs
    hands = ["DEF-hand.L", "DEF-hand.R", "DEF-foot.L"]
    bpy.ops.intermamba.bake_controls(kind="IK")
    before = posed(rigs, hands, (20,))
    ob = rigs[0]
    bag = bags_of(ob.animation_data.action)[0]
    bag.fcurves.find('pose.bones["torso"].location', index=1).keyframe_points[19].co.y += 0.03
    assert apart(before, posed(rigs, hands, (20,)))[0] < 0.02


def test_other_rigs_have_no_controls_to_bake(scene, motion):
    place_motion(bpy.context, motion, (None, None), 1)
    assert not bpy.ops.intermamba.bake_controls.poll()
