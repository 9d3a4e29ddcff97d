"""Rigs that are linked from another file: keyed through a library override, refused without one."""

import bpy
import numpy as np
import pytest

from blender_addon.layers import layer_track
from blender_addon.placing import place_motion
from blender_addon.rigs import PERSON_KEY, make_mannequin
from intermamba.errors import RetargetError
from intermamba.motion.skeleton import DEFAULT_REST
from tests.retarget.pair.pairs import handshake

from .scenes import joints_of

NAMES = ("Tall", "Small")


@pytest.fixture(scope="module")
def library(tmp_path_factory, addon):
    """A file with two characters of other sizes than the motion's, in a collection of their own."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for name, size in zip(NAMES, (1.12, 0.7), strict=True):
        ob = make_mannequin(bpy.context, "A", size * DEFAULT_REST)
        del ob[PERSON_KEY]
        ob.name = name
        ob.animation_data_create().action = bpy.data.actions.new(f"{name} idle")
    path = str(tmp_path_factory.mktemp("library") / "characters.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.fixture
def linked(library, scene):
    """The two characters, linked into an empty scene."""
    with bpy.data.libraries.load(library, link=True) as (_, loaded):
        loaded.collections = ["InterMamba"]
    (collection,) = loaded.collections
    scene.collection.children.link(collection)
    return [bpy.data.objects[name, library] for name in NAMES]


@pytest.fixture(params=[True, False], ids=["editable", "as far as needed"])
def overridden(scene, linked, request):
    """The same with library overrides, as Object > Library Override > Make makes them."""
    collection = scene.collection.children[0]
    collection.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=request.param)
    return [bpy.data.objects[name, None] for name in NAMES]


def test_a_linked_rig_is_refused_with_the_way_out(scene, linked):
    scene.intermamba.person_a, scene.intermamba.person_b = linked
    with pytest.raises(RuntimeError, match='"Tall" is linked from another file: make a library override'):
        bpy.ops.intermamba.generate("EXEC_DEFAULT", engine="FAKE", frames=32)
    assert [action.name for action in bpy.data.actions if not action.library] == []
    with pytest.raises(RetargetError, match="make a library override"):
        place_motion(bpy.context, handshake(), tuple(linked), 1)


def test_an_override_gets_its_keys_on_local_actions(scene, overridden, tmp_path):
    motion = handshake()
    place_motion(bpy.context, motion, tuple(overridden), 1)
    for ob in overridden:
        assert ob.override_library
        assert ob.animation_data.action.library is None
        assert ob.animation_data.action.name.startswith("IM_two_people_shake_hands")
        assert layer_track(ob).strips[0].action.library is None
        assert ob.data.library or ob.data.override_library
    before = [joints_of(ob, (10, 30)) for ob in overridden]
    assert np.ptp([joints[:, 0] for joints in before], axis=0).max() > 0.1
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    for name, joints in zip(NAMES, before, strict=True):
        assert np.abs(joints_of(bpy.data.objects[name, None], (10, 30)) - joints).max() < 1e-4


def test_the_file_that_is_linked_from_stays_as_it_was(scene, overridden, library):
    place_motion(bpy.context, handshake(), tuple(overridden), 1)
    originals = [bpy.data.objects[name, library] for name in NAMES]
    assert [ob.animation_data.action.name for ob in originals] == ["Tall idle", "Small idle"]
    assert not any(track for ob in originals for track in ob.animation_data.nla_tracks)
    assert {bone.rotation_mode for ob in originals for bone in ob.pose.bones} == {"QUATERNION"}


def test_a_bone_map_of_an_override_is_corrected_and_kept(scene, overridden, tmp_path):
    scene.intermamba.person_a = overridden[0]
    assert bpy.ops.intermamba.bones_edit() == {"FINISHED"}
    overridden[0].intermamba_joints["L_collar"].bone = ""
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    joints = bpy.data.objects["Tall", None].intermamba_joints
    assert joints["L_elbow"].bone == "L_elbow"
    assert joints["L_collar"].bone == ""
