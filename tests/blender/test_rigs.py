"""Rigs as Blender has them: bone maps shown, corrected and saved; Rigify's own controls are keyed."""

import bpy
import numpy as np
import pytest

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
