"""Writing poses as Actions, on the layered Actions of Blender 4.4 and later as well as on the older ones."""

import hashlib
import json
import re

import bpy
import numpy as np

from intermamba.motion.motion import Motion
from intermamba.retarget import Pose

PREFIX = "intermamba_"
_KEYS = PREFIX + "keys"


def action_name(motion: Motion, person: str) -> str:
    """IM_two_people_dance_salsa_7_A"""
    slug = re.sub(r"[^a-z0-9]+", "_", motion.prompt.lower()).strip("_")[:40].rstrip("_")
    return f"IM_{slug or 'motion'}_{motion.seed}_{person}"


def write_action(
    ob: bpy.types.Object,
    pose: Pose,
    motion: Motion,
    person: str,
    start: int,
    action: bpy.types.Action | None = None,
) -> bpy.types.Action:
    """Key `pose` from frame `start` on, one key a frame, in an Action that becomes the armature's active one.

    The Action, an empty one where it is given, keeps prompt, seed, model, version and settings as custom properties.
    One of the same name whose keys nobody has touched is written anew; any other Action is left as it is.
    """
    action = action or _action_to_fill(action_name(motion, person))
    channels, slot = channels_of(action, ob)
    frames = np.arange(start, start + len(pose.location), dtype=np.float32)
    for n, bone in enumerate(pose.bones):
        path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'
        ob.pose.bones[bone].rotation_mode = "QUATERNION"
        if n == 0:
            write_curves(channels, bone, f"{path}.location", frames, pose.location)
        write_curves(channels, bone, f"{path}.rotation_quaternion", frames, pose.rotations[:, n])
    for name, value in _facts(motion, person).items():
        action[PREFIX + name] = value
    seal(action)
    action.use_fake_user = True
    assign(ob, action, slot)
    return action


def is_ours(action: bpy.types.Action | None) -> bool:
    """Whether this extension wrote the Action."""
    return action is not None and PREFIX + "prompt" in action


def is_untouched(action: bpy.types.Action) -> bool:
    """Whether nobody has edited an Action's keys since this extension wrote them."""
    return is_ours(action) and not action.library and action[_KEYS] == _fingerprint(*bags_of(action))


def seal(action: bpy.types.Action) -> None:
    """Note the keys as they are, so that later edits show."""
    action[_KEYS] = _fingerprint(*bags_of(action))


def _facts(motion: Motion, person: str) -> dict[str, object]:
    return {
        "person": person,
        "prompt": motion.prompt,
        "seed": motion.seed,
        "model": motion.model,
        "version": motion.version,
        "settings": json.dumps(motion.settings),
    }


def _action_to_fill(name: str) -> bpy.types.Action:
    action = bpy.data.actions.get(name)
    if action is None or not is_untouched(action):
        return bpy.data.actions.new(name)
    for bag in bags_of(action):
        for curve in list(bag.fcurves):
            bag.fcurves.remove(curve)
    return action


def bags_of(action: bpy.types.Action) -> list:
    """What holds the Action's curves and groups."""
    if not hasattr(action, "layers"):
        return [action]
    return [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]


def channels_of(action: bpy.types.Action, ob: bpy.types.Object) -> tuple:
    """Where curves and groups for `ob` go, and the slot (None before Blender 4.4)."""
    if not hasattr(action, "layers"):
        return action, None
    slot = action.slots[0] if action.slots else action.slots.new(id_type="OBJECT", name=ob.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True), slot


def write_curves(channels: object, group: str, path: str, frames: np.ndarray, values: np.ndarray) -> None:
    """One curve for each column of values (T,N)."""
    keyframe = bpy.types.Keyframe.bl_rna.properties
    linear = keyframe["interpolation"].enum_items["LINEAR"].value
    automatic = keyframe["handle_left_type"].enum_items["AUTO_CLAMPED"].value
    members = channels.groups.get(group) or channels.groups.new(group)
    for index, column in enumerate(values.T):
        curve = channels.fcurves.new(path, index=index)
        curve.group = members
        points = curve.keyframe_points
        points.add(len(frames))
        points.foreach_set("co", np.column_stack([frames, column]).astype(np.float32).ravel())
        points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
        for side in ("handle_left_type", "handle_right_type"):
            points.foreach_set(side, np.full(len(frames), automatic, np.int32))
        curve.update()


def _fingerprint(*bags: object) -> str:
    """Tells whether keys were edited since they were written."""
    digest = hashlib.sha256()
    for bag in bags:
        for curve in sorted(bag.fcurves, key=lambda c: (c.data_path, c.array_index)):
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", points)
            digest.update(points.tobytes())
    return digest.hexdigest()[:16]


def assign(ob: bpy.types.Object, action: bpy.types.Action | None, slot: object) -> None:
    """Let an object play an Action, with its slot where Blender has slots."""
    animation = ob.animation_data or ob.animation_data_create()
    animation.use_tweak_mode = False
    animation.action = action
    if slot is not None:
        animation.action_slot = slot
    ob.update_tag(refresh={"TIME"})
