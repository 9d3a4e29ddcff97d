"""Exported files, read back, hold the same joints, and exporting leaves no trace in the scene."""

import json
import struct

import bpy
import numpy as np
import pytest

from blender_addon.export import export_people
from blender_addon.placing import place_motion
from intermamba.errors import IntermambaError

from .scenes import add_armature, joints_of, mannequins

FRAMES = (1, 2, 17, 40)


@pytest.fixture
def placed(scene, motion):
    place_motion(bpy.context, motion, (None, None), 1)
    return [joints_of(ob, FRAMES) for ob in mannequins()]


def imported(operator, **options):
    """Armatures that an import brings."""
    before = set(bpy.data.objects)
    operator(**options)
    return [ob for ob in bpy.data.objects if ob not in before and ob.type == "ARMATURE"]


def test_fbx_read_back_equals_the_action(placed, tmp_path):
    written = export_people(bpy.context, str(tmp_path / "duet"), glb=False)
    assert [path.name for path in written] == ["duet_A.fbx", "duet_B.fbx"]
    for path, expected in zip(written, placed, strict=True):
        (ob,) = imported(bpy.ops.import_scene.fbx, filepath=str(path), anim_offset=0.0)
        assert np.abs(joints_of(ob, FRAMES) - expected).max() < 1e-3
        assert tuple(ob.animation_data.action.frame_range) == (1.0, 40.0)
        assert len(ob.data.bones) == 22


def test_glb_holds_both_people_in_one_animation(placed, tmp_path):
    (path,) = export_people(bpy.context, str(tmp_path / "duet"), fbx=False)
    data = path.read_bytes()
    header = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    assert len(header["animations"]) == 1
    targets = {channel["target"]["node"] for channel in header["animations"][0]["channels"]}
    assert len(targets) == 44
    assert len(header["skins"]) == 2
    armatures = sorted(imported(bpy.ops.import_scene.gltf, filepath=str(path)), key=lambda ob: ob.name)
    for ob, expected in zip(armatures, placed, strict=True):
        assert np.abs(joints_of(ob, FRAMES) - expected).max() < 1e-3


def snapshot(scene):
    layer = bpy.context.view_layer
    return {
        "scenes": [s.name for s in bpy.data.scenes],
        "range": (scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps),
        "selected": sorted(ob.name for ob in layer.objects if ob.select_get()),
        "active": layer.objects.active and layer.objects.active.name,
        "hidden": sorted(ob.name for ob in layer.objects if ob.hide_get()),
        "actions": sorted(action.name for action in bpy.data.actions),
        "objects": sorted(ob.name for ob in bpy.data.objects),
        "animation": [
            (ob.animation_data.action.name, len(ob.animation_data.nla_tracks), ob.animation_data.use_nla)
            for ob in mannequins()
        ],
        "slots": [getattr(ob.animation_data, "action_slot", None) for ob in mannequins()],
        "mode": bpy.context.mode,
        "scene": bpy.context.scene.name,
    }


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT"])
def test_exporting_changes_nothing_in_the_scene(scene, placed, tmp_path, mode):
    scene.frame_set(12)
    mannequins()[1].hide_set(True)
    active = add_armature("Other", {"bone": (0, 0, 0)}) if mode == "EDIT" else mannequins()[0]
    bpy.context.view_layer.objects.active = active
    bpy.ops.object.mode_set(mode=mode)
    before = snapshot(scene)
    pose = joints_of(mannequins()[0], (12,))
    export_people(bpy.context, str(tmp_path / "duet"))
    assert snapshot(scene) == before
    assert np.array_equal(joints_of(mannequins()[0], (12,)), pose)
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_operator_names_its_files_after_the_chosen_one(placed, tmp_path):
    assert bpy.ops.intermamba.export(filepath=str(tmp_path / "duet.v2.glb")) == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "duet.v2.glb",
        "duet.v2_A.fbx",
        "duet.v2_B.fbx",
    ]


def test_nothing_to_export(scene, tmp_path):
    with pytest.raises(IntermambaError, match="no generated motion"):
        export_people(bpy.context, str(tmp_path / "duet"))


def test_a_place_that_cannot_be_written(placed, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RuntimeError, match="Cannot write"):
        bpy.ops.intermamba.export(filepath=str(tmp_path / "file" / "duet"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert len(bpy.data.scenes) == 1
    with pytest.raises(IntermambaError, match="no name"):
        export_people(bpy.context, str(tmp_path) + "/")
