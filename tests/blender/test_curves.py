"""Fewer keys play the same motion within the bounds, and NLA strips play it too."""

import json

import bpy
import numpy as np
import pytest

from blender_addon.actions import bags_of
from blender_addon.placing import place_motion
from blender_addon.takes import place_takes

from .scenes import joints_of, mannequins

ops = bpy.ops.intermamba
FRAMES = range(5, 45)


@pytest.fixture
def placed(scene, motion):
    place_takes(bpy.context, [motion], (None, None), 5)
    return [joints_of(ob, FRAMES) for ob in mannequins()]


def keys():
    curves = [c for ob in mannequins() for bag in bags_of(ob.animation_data.action) for c in bag.fcurves]
    return sum(len(curve.keyframe_points) for curve in curves)


@pytest.mark.parametrize("centimetres", [0.2, 2.0])
def test_reduced_keys_play_the_same_within_the_bound(placed, centimetres):
    before = keys()
    assert ops.reduce_keys(centimetres=centimetres, degrees=3.0) == {"FINISHED"}
    assert keys() < 0.7 * before
    for ob, expected in zip(mannequins(), placed, strict=True):
        off = np.linalg.norm(joints_of(ob, FRAMES) - expected, axis=-1).max()
        assert 0 < off < centimetres / 100 + 1e-4
        curve = bags_of(ob.animation_data.action)[0].fcurves[0]
        assert {point.interpolation for point in curve.keyframe_points} == {"BEZIER"}
        assert tuple(ob.animation_data.action.frame_range) == (5.0, 44.0)


def test_a_reduced_action_is_still_ours_to_replace(placed, motion):
    ops.reduce_keys()
    place_motion(bpy.context, motion, (None, None), 5)
    assert len(bpy.data.actions) == 2
    assert np.abs(joints_of(mannequins()[0], FRAMES) - placed[0]).max() < 1e-4


def test_other_curves_are_left_alone(placed):
    ob = mannequins()[0]
    ob.keyframe_insert('pose.bones["head"].scale', frame=9)
    ops.reduce_keys()
    curves = [c for c in bags_of(ob.animation_data.action)[0].fcurves if c.data_path.endswith("scale")]
    assert [len(curve.keyframe_points) for curve in curves] == [1, 1, 1]


def test_strips_play_the_same_in_tracks_of_one_name(scene, placed):
    assert ops.push_down() == {"FINISHED"}
    for ob, expected in zip(mannequins(), placed, strict=True):
        assert ob.animation_data.action is None
        (track,) = ob.animation_data.nla_tracks
        assert track.name == "IM_two_people_step_in_time_0"
        assert (track.strips[0].frame_start, track.strips[0].frame_end) == (5.0, 44.0)
        assert np.abs(joints_of(ob, FRAMES) - expected).max() < 1e-4
    assert not ops.push_down.poll()


def test_strips_are_exported_and_takes_go_on_top(scene, placed, motion, tmp_path):
    ops.push_down()
    assert ops.export(filepath=str(tmp_path / "duet"), preset="GODOT", origin="SCENE") == {"FINISHED"}
    sheet = json.loads((tmp_path / "duet.json").read_text())
    assert (sheet["frames"], sheet["prompt"]) == (40, motion.prompt)
    ops.export(filepath=str(tmp_path / "all"), preset="GODOT", all_takes=True)
    assert all(ob.animation_data.action is None for ob in mannequins())
    assert np.abs(joints_of(mannequins()[0], FRAMES) - placed[0]).max() < 1e-4
