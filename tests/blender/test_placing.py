"""What a motion becomes in a scene: keys that play it exactly, tidy data, and nothing of the user's touched."""

import bpy
import numpy as np
import pytest

from blender_addon.actions import write_action
from blender_addon.placing import place_motion
from intermamba.errors import IntermambaError, RetargetError
from intermamba.motion.motion import resample

from .scenes import add_armature, in_blender, joints_of, mannequins


def place(motion, start=1, picked=(None, None)):
    return place_motion(bpy.context, motion, picked, start)


def test_both_armatures_play_the_motion(scene, motion):
    note = place(motion, start=10)
    assert note == "Frames 10 to 49"
    for person, ob in enumerate(mannequins()):
        read = joints_of(ob, range(10, 50, 3))
        assert np.abs(read - in_blender(motion.joints[person, ::3])).max() < 1e-4


def test_the_scenes_own_frame_rate_is_used(scene, motion):
    scene.render.fps, scene.render.fps_base = 24, 1.001
    place(motion)
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (24, 1, 250)
    expected = resample(motion, 24 / scene.render.fps_base)
    read = joints_of(mannequins()[0], range(1, expected.frames + 1))
    assert np.abs(read - in_blender(expected.joints[0])).max() < 1e-4


def test_an_action_says_how_it_was_made(scene, motion):
    place(motion)
    for ob, person in zip(mannequins(), "AB", strict=True):
        action = ob.animation_data.action
        assert action.name == f"IM_two_people_step_in_time_0_{person}"
        assert action["intermamba_prompt"] == motion.prompt
        assert action["intermamba_seed"] == motion.seed
        assert action["intermamba_person"] == person
        assert {"intermamba_model", "intermamba_version", "intermamba_settings"} <= set(action.keys())
        assert action.use_fake_user
        if hasattr(action, "slots"):
            assert ob.animation_data.action_slot == action.slots[0]
            assert len(action.slots) == 1
        assert tuple(action.frame_range) == (1.0, 40.0)


def test_curves_are_grouped_by_bone(scene, motion):
    place(motion)
    action = mannequins()[0].animation_data.action
    bag = action.layers[0].strips[0].channelbags[0] if hasattr(action, "layers") else action
    assert len(bag.fcurves) == 22 * 4 + 3
    for curve in bag.fcurves:
        assert curve.group.name == curve.data_path.split('"')[1]
    assert {p.interpolation for p in bag.fcurves[0].keyframe_points} == {"LINEAR"}
    pose = mannequins()[0].pose.bones
    assert {bone.rotation_mode for bone in pose} == {"QUATERNION"}


def data_counts():
    kinds = ("objects", "meshes", "armatures", "materials", "actions", "collections")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def test_generating_again_reuses_mannequins_and_unedited_actions(scene, motion):
    place(motion)
    before = data_counts()
    assert before == {
        "objects": 4,
        "meshes": 2,
        "armatures": 2,
        "materials": 4,
        "actions": 2,
        "collections": 1,
    }
    place(motion, start=5)
    assert data_counts() == before
    assert tuple(mannequins()[0].animation_data.action.frame_range) == (5.0, 44.0)


def test_a_hidden_collection_does_not_get_the_mannequins(scene, motion):
    place(motion)
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)
    bpy.context.view_layer.layer_collection.children["InterMamba"].exclude = True
    place(motion)
    assert all(ob.visible_get() for ob in mannequins())


def test_another_seed_is_another_take(scene, motion):
    place(motion)
    first = [ob.animation_data.action for ob in mannequins()]
    motion_of_seed = type(motion)(**{**vars(motion), "seed": 5})
    place(motion_of_seed)
    assert len(bpy.data.actions) == 4
    assert [ob.animation_data.action.name[-3:] for ob in mannequins()] == ["5_A", "5_B"]
    assert all(action.use_fake_user for action in first)


def test_an_action_that_the_user_edited_is_kept(scene, motion):
    place(motion)
    edited = mannequins()[0].animation_data.action
    bag = edited.layers[0].strips[0].channelbags[0] if hasattr(edited, "layers") else edited
    bag.fcurves[0].keyframe_points[3].co.y += 0.25
    place(motion)
    assert mannequins()[0].animation_data.action != edited
    assert bpy.data.actions[edited.name] == edited
    assert len(bpy.data.actions) == 3


def test_a_users_action_is_left_alone(scene, motion):
    mine = bpy.data.actions.new("IM_two_people_step_in_time_0_A")
    place(motion)
    assert mannequins()[0].animation_data.action != mine
    assert mine.name == "IM_two_people_step_in_time_0_A"
    assert not mine.keys()


def test_selection_active_object_and_playhead_stay(scene, motion):
    empty = bpy.data.objects.new("mine", None)
    scene.collection.objects.link(empty)
    empty.select_set(True)
    bpy.context.view_layer.objects.active = empty
    scene.frame_set(7)
    place(motion, start=7)
    assert bpy.context.view_layer.objects.active == empty
    assert [ob.name for ob in bpy.context.view_layer.objects if ob.select_get()] == ["mine"]
    assert scene.frame_current == 7


def test_the_scenes_end_moves_only_where_nothing_else_is_animated(scene, motion):
    assert place(motion, start=240) == "Frames 240 to 279"
    assert scene.frame_end == 279
    other = bpy.data.objects.new("mine", None)
    scene.collection.objects.link(other)
    other.keyframe_insert("location", frame=1)
    assert place(motion, start=300) == "Frames 300 to 339, past the scene's end at 279"
    assert scene.frame_end == 279


def test_the_users_own_armatures_are_keyed_where_person_a_stands(scene, motion):
    place(motion)
    copies = []
    for ob, location in zip(mannequins(), ((3, 0, 0), (-5, 2, 1)), strict=True):
        copy = ob.copy()
        copy.animation_data_clear()
        del copy["intermamba_person"]
        copy.location = location
        scene.collection.objects.link(copy)
        copies.append(copy)
    place(motion, picked=tuple(copies))
    for person, ob in enumerate(copies):
        read = joints_of(ob, (1, 20, 40))
        assert np.abs(read - in_blender(motion.joints[person, [0, 19, 39]]) - [3, 0, 0]).max() < 1e-4


def test_bodies_follow_their_bones(scene, motion):
    place(motion)
    for person in "AB":
        body = bpy.data.objects[f"InterMamba {person} body"]
        weights = [sum(g.weight for g in v.groups) for v in body.data.vertices]
        assert 0.95 < min(weights) <= max(weights) < 1.05
        assert max(len(v.groups) for v in body.data.vertices) <= 4
        assert len(body.data.materials) == 2
        evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
        points = np.array([body.matrix_world @ v.co for v in evaluated.data.vertices])
        joints = joints_of(bpy.data.objects[f"InterMamba {person}"], (scene.frame_current,))[0]
        assert (points.min(axis=0) < joints.min(axis=0)).all()
        assert (points.max(axis=0) > joints.max(axis=0)).all()
        assert points[:, 2].min() > -0.1


def test_a_rig_that_is_no_body_is_refused_before_anything_changes(scene, motion):
    door = add_armature("Door", {"hinge": (0, 0, 0)})
    with pytest.raises(RetargetError, match='"Door" does not look humanoid'):
        place(motion, picked=(None, door))
    assert len(bpy.data.objects) == 1
    assert not bpy.data.actions


def test_one_armature_cannot_be_both_people(scene, motion):
    place(motion)
    a = mannequins()[0]
    with pytest.raises(RetargetError, match="same armature"):
        place(motion, picked=(a, a))
    with pytest.raises(RetargetError, match="same armature"):
        place(motion, picked=(None, a))


def test_edit_mode_is_left_to_the_user(scene, motion):
    ob = add_armature("Other", {"bone": (0, 0, 0)})
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(IntermambaError, match="Object Mode"):
        place(motion)
    assert bpy.context.mode == "EDIT_ARMATURE"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_bones_that_are_not_keyed_keep_their_pose(scene, motion):
    place(motion)
    ob = mannequins()[0]
    from intermamba.retarget import Pose

    pose = Pose(("pelvis",), np.tile([1.0, 0, 0, 0], (3, 1, 1)), np.zeros((3, 3)))
    ob.pose.bones["head"].rotation_mode = "XYZ"
    write_action(ob, pose, motion, "A", 1)
    assert ob.pose.bones["head"].rotation_mode == "XYZ"
