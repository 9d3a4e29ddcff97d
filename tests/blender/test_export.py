"""Exported files, read back, hold the same joints, and exporting leaves no trace in the scene."""

import json
import resource
import struct
from dataclasses import replace

import bpy
import numpy as np
import pytest

from blender_addon.bake import Performance, deforming, framed
from blender_addon.export import export_people, stage_of
from blender_addon.export_presets import OPTIONS
from blender_addon.placing import place_motion
from intermamba.errors import IntermambaError
from intermamba.motion.bvh import read_bvh
from intermamba.motion.kinematics import fk
from intermamba.motion.skeleton import JOINT_NAMES, L_HIP, R_HIP
from intermamba.retarget.transfer import Z_UP

from .scenes import add_armature, in_blender, joints_of, mannequins

FRAMES = (0, 1, 16, 39)  # of the files; the scene's are one later


@pytest.fixture
def placed(scene, motion):
    """Both people's joints in the scene."""
    place_motion(bpy.context, motion, (None, None), 1)
    return [joints_of(ob, np.add(FRAMES, 1)) for ob in mannequins()]


def export(tmp_path, preset="GENERIC", **changes):
    if "formats" in changes:
        changes["formats"] = frozenset(changes["formats"])
    options = replace(OPTIONS[preset], **changes)
    return {p.name: p for p in export_people(bpy.context, str(tmp_path / "duet"), options)}


def imported(operator, path, **options):
    """Armatures that an import brings, A before B."""
    before = set(bpy.data.objects)
    operator(filepath=str(path), **options)
    found = [ob for ob in bpy.data.objects if ob not in before and ob.type == "ARMATURE"]
    return sorted(found, key=lambda ob: ob.name)


def read_fbx(path):
    (ob,) = imported(bpy.ops.import_scene.fbx, path, anim_offset=0.0)
    return ob


def sheet_of(files):
    return json.loads(files["duet.json"].read_text())


def poses_of(ob, bone, frames=FRAMES):
    """Where a bone is in the world and how it is turned (T,4,4)."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append(np.array((ob.matrix_world @ ob.pose.bones[bone].matrix).normalized()))
    return np.array(out)


def own_context_by_a_scene_that_goes():
    """Blender 4.2 says that what the context hands out belongs to the scene whose layer_collection was read last."""
    gone = bpy.data.scenes.new("gone")
    with bpy.context.temp_override(scene=gone, view_layer=gone.view_layers[0]):
        assert bpy.context.layer_collection
    bpy.data.scenes.remove(gone)


def test_what_exporters_write_to_belongs_to_a_scene_that_exists(scene):
    own_context_by_a_scene_that_goes()
    with stage_of(bpy.context, "stage"):
        assert bpy.context.window.id_data in (scene, bpy.context.window_manager)
        assert bpy.context.layer_collection  # as an exporter may
    assert bpy.context.window.id_data in (scene, bpy.context.window_manager)


def test_in_another_file_too(scene):
    own_context_by_a_scene_that_goes()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert bpy.context.window.id_data in (bpy.context.scene, bpy.context.window_manager)


def test_fbx_read_back_equals_the_action(placed, tmp_path):
    files = export(tmp_path, formats={"FBX"})
    assert list(files) == ["duet_A.fbx", "duet_B.fbx", "duet.json"]
    for person, expected in zip("AB", placed, strict=True):
        ob = read_fbx(files[f"duet_{person}.fbx"])
        assert np.abs(joints_of(ob, FRAMES) - expected).max() < 1e-3
        assert tuple(ob.animation_data.action.frame_range) == (0.0, 39.0)
        assert len(ob.data.bones) == 22


def test_glb_holds_both_people_in_one_animation(placed, tmp_path):
    data = export(tmp_path, formats={"GLB"})["duet.glb"].read_bytes()
    header = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    assert [animation["name"] for animation in header["animations"]] == ["duet"]
    targets = {channel["target"]["node"] for channel in header["animations"][0]["channels"]}
    assert len(targets) == 44
    assert len(header["skins"]) == 2
    assert {"InterMamba A", "InterMamba B"} <= {node["name"] for node in header["nodes"]}
    armatures = imported(bpy.ops.import_scene.gltf, tmp_path / "duet.glb")
    for ob, expected in zip(armatures, placed, strict=True):
        assert np.abs(joints_of(ob, FRAMES) - expected).max() < 1e-3


def test_bvh_read_back_equals_the_action(placed, tmp_path):
    files = export(tmp_path, formats={"BVH"})
    for person, expected in zip("AB", placed, strict=True):
        path = files[f"duet_{person}.bvh"]
        clip = read_bvh(path)
        order = [clip.names.index(joint) for joint in JOINT_NAMES]
        joints = fk(clip.rotations[:, order], clip.root, clip.offsets[order])[list(FRAMES)] @ Z_UP.T
        assert np.abs(joints - expected).max() < 1e-4
        assert len(clip.root) == 40
        (ob,) = imported(bpy.ops.import_anim.bvh, path, global_scale=0.01, frame_start=1)
        assert np.abs(joints_of(ob, np.add(FRAMES, 1)) - expected).max() < 1e-3


def test_usd_read_back_equals_the_action(placed, tmp_path):
    armatures = imported(bpy.ops.wm.usd_import, export(tmp_path, formats={"USD"})["duet.usdc"])
    assert len(armatures) == 2
    for ob, expected in zip(armatures, placed, strict=True):
        bones = [bone.name for bone in ob.pose.bones]
        names = [name for joint in JOINT_NAMES for name in bones if name.endswith(joint)]
        assert np.abs(joints_of(ob, FRAMES, names) - expected).max() < 1e-3


def test_unreal_gets_centimetres_a_root_and_a_bone_that_follows_the_partner(placed, tmp_path):
    files = export(tmp_path, "UNREAL")
    assert b"UnitScaleFactor" in files["duet_A.fbx"].read_bytes()
    a, b = (read_fbx(files[f"duet_{person}.fbx"]) for person in "AB")
    for ob in (a, b):
        assert np.allclose(ob.matrix_world.to_scale(), 0.01)  # Blender's reader turns centimetres into metres
        assert len(ob.data.bones) == 24
        root = poses_of(ob, "root")
        assert np.abs(root[0, :3, 3]).max() < 1e-4
        assert np.abs(root[:, 2, 3]).max() < 1e-4
        joints = joints_of(ob, FRAMES)
        assert np.abs(root[:, :2, 3] - 0.5 * (joints[:, L_HIP] + joints[:, R_HIP])[:, :2]).max() < 1e-4
    sync, own, other = poses_of(a, "sync_partner"), poses_of(a, "root"), poses_of(b, "root")
    # An engine puts B at the bone, in every frame: B is then where B was in the scene, seen from A.
    joints_b = joints_of(b, FRAMES)
    move = np.linalg.inv(own[0]) @ sync @ np.linalg.inv(other)
    met = np.einsum("tij,tkj->tki", move[:, :3, :3], joints_b) + move[:, None, :3, 3]
    joints_a = joints_of(a, FRAMES)
    for t in range(len(FRAMES)):
        apart = np.linalg.norm(met[t, None] - joints_a[t, :, None], axis=-1)
        expected = np.linalg.norm(placed[1][t, None] - placed[0][t, :, None], axis=-1)
        assert np.abs(apart - expected).max() < 2e-3


def test_the_offset_lines_two_clips_up(placed, tmp_path):
    files = export(tmp_path, "UNITY")
    sheet = sheet_of(files)
    a, b = (read_fbx(files[f"duet_{person}.fbx"]) for person in "AB")
    yaw = np.radians(sheet["offset"]["turn"])
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    met = joints_of(b, FRAMES) @ turn.T + Z_UP @ sheet["offset"]["position"]
    apart = np.linalg.norm(met - joints_of(a, FRAMES), axis=-1)
    assert np.abs(apart - np.linalg.norm(placed[1] - placed[0], axis=-1)).max() < 1e-3


def test_in_place_nobody_travels_and_the_sheet_tells_the_path(placed, tmp_path):
    files = export(tmp_path, formats={"FBX"}, root="IN_PLACE", origin="PAIR")
    sheet = sheet_of(files)
    for n, person in enumerate("AB"):
        ob = read_fbx(files[f"duet_{person}.fbx"])
        joints = joints_of(ob, FRAMES)
        hips = 0.5 * (joints[:, L_HIP] + joints[:, R_HIP])[:, :2]
        assert np.ptp(hips, axis=0).max() < 1e-3
        assert np.ptp(poses_of(ob, "root"), axis=0).max() < 1e-5
        path = np.array(sheet["people"][n]["path"])
        assert path.shape == (40, 3)
        hips = 0.5 * (placed[n][:, L_HIP] + placed[n][:, R_HIP])
        travelled = np.linalg.norm(np.diff(hips[:, :2], axis=0), axis=1)
        assert np.allclose(
            np.linalg.norm(np.diff(path[list(FRAMES), :2], axis=0), axis=1), travelled, atol=2e-4
        )


def test_the_sheet_tells_how_it_was_made(placed, motion, tmp_path):
    sheet = sheet_of(export(tmp_path, "GODOT"))
    assert sheet["files"] == ["duet.glb"]
    assert (sheet["prompt"], sheet["seed"], sheet["model"]) == (motion.prompt, motion.seed, motion.model)
    assert (sheet["fps"], sheet["frames"]) == (30, 40)
    assert "licence" in sheet
    assert [person["role"] for person in sheet["people"]] == ["A", "B"]
    assert sheet["people"][0]["root_bone"] == "root"
    assert sheet["people"][0]["start"] == {"position": [0, 0, 0], "turn": 0}
    assert sheet["people"][1]["start"] == sheet["offset"]
    planted = [c for c in sheet["contacts"] if c["on"] == "floor"]
    assert {c["person"] for c in planted} == {"A", "B"}
    assert all(0 <= c["start"] < c["stop"] <= 40 for c in planted)


def test_a_rigs_own_root_and_its_helpers(scene, motion, placed, tmp_path):
    """A rig with a root of its own, as engines' skeletons have, a helper bone and a scaled, turned object."""
    ob = mannequins()[0]
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    bones = ob.data.edit_bones
    for name, parent in (("Root", None), ("helper", "Root"), ("tip", "L_wrist")):
        made = bones.new(name)
        made.tail = (0, 0.2, 0)
        made.parent = bones[parent] if parent else None
    bones["pelvis"].parent = bones["helper"]
    bpy.ops.object.mode_set(mode="OBJECT")
    ob.data.bones["helper"].use_deform = False
    ob.location, ob.rotation_euler = (2, 1, 0.5), (0, 0, 0.7)
    place_motion(bpy.context, motion, (None, None), 1)
    expected = joints_of(ob, np.add(FRAMES, 1))
    path = export(tmp_path, "UNITY", origin="SCENE")["duet_A.fbx"]
    read = read_fbx(path)
    assert set(read.data.bones.keys()) == {*JOINT_NAMES, "Root", "tip"}
    assert read.data.bones["pelvis"].parent.name == "Root"
    assert np.abs(joints_of(read, FRAMES) - expected).max() < 1e-3
    root = poses_of(read, "Root")[:, :3, 3]
    hips = 0.5 * (expected[:, L_HIP] + expected[:, R_HIP])
    assert np.allclose(root[:, :2], hips[:, :2], atol=1e-3)
    assert np.allclose(root[:, 2], 0.5, atol=1e-4)


def test_deforming_bones_hang_below_each_other_as_in_rigify(scene):
    """Rigify's DEF- bones lie below ORG- bones, which hang below one another."""
    names = (
        "root",
        "ORG-spine",
        "DEF-spine",
        "ORG-thigh",
        "DEF-thigh",
        "DEF-thigh.001",
        "ORG-ear",
        "DEF-ear",
    )
    parents = (-1, 0, 1, 1, 3, 4, 0, 6)
    ob = add_armature("Rig", {name: (0, 0, n) for n, name in enumerate(names)})
    for bone in ob.data.bones:
        bone.use_deform = bone.name.startswith("DEF-")
    rest = np.tile(np.eye(4), (8, 1, 1))
    rest[:, 2, 3] = (0, 1, 1, 0.9, 0.9, 0.5, 1.7, 1.7)
    clip = Performance(
        person="A",
        ob=ob,
        names=names,
        parents=np.array(parents),
        lengths=np.ones(8),
        rest=rest,
        pose=rest[None],
        ground=np.eye(4)[None],
        hips="ORG-spine",
        joints=None,
        bodies=(),
    )
    kept = deforming(clip)
    above = {
        name: kept.names[n] if n >= 0 else None for name, n in zip(kept.names, kept.parents, strict=True)
    }
    assert above == {
        "DEF-spine": None,
        "DEF-thigh": "DEF-spine",
        "DEF-thigh.001": "DEF-thigh",
        "DEF-ear": None,
    }
    assert kept.hips == "DEF-spine"
    rooted = framed(kept, np.eye(4)[None], np.eye(4)[None], None)
    assert rooted.names[-1] == rooted.names[rooted.top] == "root"


def test_an_armature_without_a_body_keeps_its_rest_pose(scene, placed, tmp_path):
    for person in "AB":
        bpy.data.objects.remove(bpy.data.objects[f"InterMamba {person} body"])
    files = export(tmp_path, formats={"FBX"})
    ob = read_fbx(files["duet_A.fbx"])
    assert np.abs(joints_of(ob, FRAMES) - placed[0]).max() < 1e-3
    rest = {bone.name: np.array(bone.head_local) for bone in mannequins()[0].data.bones}
    for bone in ob.data.bones:
        world = ob.matrix_world @ bone.head_local
        assert np.allclose(world, rest[bone.name], atol=1e-3)


def test_one_person_alone(scene, placed, tmp_path):
    bpy.data.objects.remove(mannequins()[1])
    files = export(tmp_path, "UNREAL")
    assert list(files) == ["duet_A.fbx", "duet.json"]
    assert sheet_of(files)["contacts"] is None


def snapshot(scene):
    layer = bpy.context.view_layer
    data = ("scenes", "objects", "meshes", "armatures", "actions", "materials", "collections", "texts")
    return {
        "range": (scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps),
        "selected": sorted(ob.name for ob in layer.objects if ob.select_get()),
        "active": layer.objects.active and layer.objects.active.name,
        "hidden": sorted(ob.name for ob in layer.objects if ob.hide_get()),
        "data": {kind: sorted(one.name for one in getattr(bpy.data, kind)) for kind in data},
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
    active = add_armature("Armature", {"bone": (0, 0, 0)}) if mode == "EDIT" else mannequins()[0]
    bpy.context.view_layer.objects.active = active
    bpy.ops.object.mode_set(mode=mode)
    before = snapshot(scene)
    pose = joints_of(mannequins()[0], (12,))
    export(tmp_path, "UNREAL", formats={"FBX", "GLB", "BVH", "USD"})
    assert snapshot(scene) == before
    assert np.array_equal(joints_of(mannequins()[0], (12,)), pose)
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_operator_names_its_files_after_the_chosen_one(placed, tmp_path):
    assert bpy.ops.intermamba.export(filepath=str(tmp_path / "duet.v2.glb")) == {"FINISHED"}
    names = {"duet.v2.glb", "duet.v2.json", "duet.v2_A.fbx", "duet.v2_B.fbx"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_the_operator_takes_a_preset_and_what_is_set_besides(placed, tmp_path):
    path = str(tmp_path / "duet")
    bpy.ops.intermamba.export(filepath=path, preset="GODOT", root="IN_PLACE")
    sheet = json.loads((tmp_path / "duet.json").read_text())
    assert (sheet["files"], sheet["root_motion"], sheet["origin"]) == (["duet.glb"], "IN_PLACE", "PAIR")
    with pytest.raises(RuntimeError, match="No kind of file"):
        bpy.ops.intermamba.export(filepath=path, formats=set())


def test_nothing_to_export(scene, tmp_path):
    with pytest.raises(IntermambaError, match="no generated motion"):
        export(tmp_path)


def test_a_place_that_cannot_be_written(placed, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RuntimeError, match="Cannot write"):
        bpy.ops.intermamba.export(filepath=str(tmp_path / "file" / "duet"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert len(bpy.data.scenes) == 1
    with pytest.raises(IntermambaError, match="no name"):
        export_people(bpy.context, str(tmp_path) + "/")


@pytest.mark.parametrize("kind", ["FBX", "GLB", "BVH", "USD"])
def test_a_disk_that_fills_up_leaves_nothing_half_written(scene, placed, tmp_path, kind):
    """A limit on the size of files stands for the disk; BVH and the sheet are small and fail in their turn."""
    older = tmp_path / "duet.glb"
    older.write_text("older")
    before, limits = snapshot(scene), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(IntermambaError, match=r"Cannot write .*duet.*; choose another place"):
            export(tmp_path, formats={kind})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["duet.glb"]
    assert older.read_text() == "older"
    assert snapshot(scene) == before


def test_the_scene_and_the_motion_agree(placed, motion):
    assert np.abs(placed[0] - in_blender(motion.joints[0, list(FRAMES)])).max() < 1e-4
