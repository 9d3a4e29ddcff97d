"""The correction that keeps a pair's contacts: an NLA track of its own, to be muted, or baked into the base.

The base stays the armature's active Action. Blender evaluates it after the NLA, so the track lies below it and the
Action combines with it: rotation = layer times base, location = layer plus base.
"""

import bpy
import numpy as np

from intermamba.motion.rotations import quat_multiply, quat_unroll
from intermamba.retarget import Pose

from . import actions

TRACK = "InterMamba contacts"
_ENDING = "_contacts"


def layer_track(ob: bpy.types.Object) -> bpy.types.NlaTrack | None:
    """The track that holds an armature's correction."""
    animation = ob.animation_data
    tracks = animation.nla_tracks if animation else ()
    return next((track for track in tracks if track.name.startswith(TRACK)), None)


def write_layer(ob: bpy.types.Object, layer: Pose, start: int) -> None:
    """Put a correction under the active Action, from frame `start` on, in place of an earlier one."""
    muted = (track := layer_track(ob)) is not None and track.mute
    remove_layer(ob)
    animation = ob.animation_data
    action = bpy.data.actions.new(animation.action.name + _ENDING)
    channels, slot = actions.channels_of(action, ob)
    frames = np.arange(start, start + len(layer.location), dtype=np.float32)
    for n, bone in enumerate(layer.bones):
        path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'
        if n == 0:
            actions.write_curves(channels, bone, f"{path}.location", frames, layer.location)
        actions.write_curves(channels, bone, f"{path}.rotation_quaternion", frames, layer.rotations[:, n])
    track = animation.nla_tracks.new()
    track.name = TRACK
    strip = track.strips.new(action.name, start, action)
    if slot is not None:
        strip.action_slot = slot
    strip.blend_type, strip.extrapolation = "REPLACE", "HOLD"
    track.mute = muted
    animation.action_blend_type = "COMBINE"


def remove_layer(ob: bpy.types.Object) -> None:
    """Take an armature's correction away; the base plays as it is."""
    track = layer_track(ob)
    if track is None:
        return
    gone = [strip.action for strip in track.strips if strip.action]
    ob.animation_data.nla_tracks.remove(track)
    ob.animation_data.action_blend_type = "REPLACE"
    for action in gone:
        if not action.users:
            bpy.data.actions.remove(action)


def bake_layer(ob: bpy.types.Object) -> None:
    """Write the correction into the keys of the base Action, edits of both included, and take the track away."""
    track = layer_track(ob)
    if track is None or not track.strips:
        return
    corrections = _curves(track.strips[0].action)
    base = _curves(ob.animation_data.action)
    for path in {path for path, _ in corrections}:
        width = 3 if path.endswith("location") else 4
        ours = [corrections.get((path, n)) for n in range(width)]
        theirs = [base.get((path, n)) for n in range(width)]
        if None not in ours and None not in theirs:
            _bake_channels(theirs, ours)
    remove_layer(ob)


def _curves(action: bpy.types.Action) -> dict[tuple[str, int], bpy.types.FCurve]:
    """An Action's curves by data path and index."""
    return {
        (curve.data_path, curve.array_index): curve
        for bag in actions.bags_of(action)
        for curve in bag.fcurves
    }


def _bake_channels(curves: list, corrections: list) -> None:
    """Bake the three or four curves of one property, at the keys that they have."""
    frames = sorted({point.co.x for curve in curves for point in curve.keyframe_points})
    base, layer = (
        np.array([[curve.evaluate(frame) for curve in group] for frame in frames])
        for group in (curves, corrections)
    )
    baked = base + layer if len(curves) == 3 else quat_unroll(quat_multiply(layer, base), axis=0)
    for n, curve in enumerate(curves):
        values = dict(zip(frames, baked[:, n], strict=True))
        for point in curve.keyframe_points:
            point.co_ui.y = values[point.co.x]
        curve.update()
