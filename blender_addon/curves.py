"""Operators on the keys of both people: fewer of them, and strips in the NLA."""

from typing import ClassVar

import bpy
import numpy as np
from bpy.props import FloatProperty

from intermamba.errors import IntermambaError
from intermamba.motion.reduce import Keys, reduce_pose
from intermamba.motion.rotations import normalise, quat_to_matrix
from intermamba.retarget import Rig
from intermamba.retarget.pose_space import pose_of

from .actions import bags_of, is_ours, is_untouched, seal
from .jobs import session
from .placing import keyed_people, playing
from .reporting import Reporting
from .rigs import read_rig

ROTATION, LOCATION = "rotation_quaternion", "location"


class INTERMAMBA_OT_reduce_keys(Reporting, bpy.types.Operator):
    """Leave out the keys that both people's motion does without; curves become Bezier curves"""

    bl_idname = "intermamba.reduce_keys"
    bl_label = "Reduce Keys"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "pair"

    centimetres: FloatProperty(
        name="Centimetres",
        description="How far any bone may be from where it was",
        default=0.5,
        min=0.01,
        max=20,
    )
    degrees: FloatProperty(
        name="Degrees", description="How far any bone may turn from how it was", default=1.0, min=0.01, max=45
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where somebody plays a motion."""
        return session.job is None and bool(keyed_people(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Rewrite the curves of the Actions that the two play."""
        return self.attempt(lambda: self._reduce(keyed_people(context.scene)))

    def _reduce(self, people: list[tuple[str, bpy.types.Object]]) -> str:
        counts = np.sum([reduce_action(ob, self.centimetres, self.degrees) for _, ob in people], axis=0)
        return f"{counts[1]} of {counts[0]} keys left"


class INTERMAMBA_OT_push_down(Reporting, bpy.types.Operator):
    """Turn what the two play into NLA strips, in tracks of one name; the Actions stay as they are"""

    bl_idname = "intermamba.push_down"
    bl_label = "To NLA Strips"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "pair"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where an active Action is ours."""
        people = keyed_people(context.scene)
        return session.job is None and any(is_ours(ob.animation_data.action) for _, ob in people)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One strip for each person."""
        return self.attempt(lambda: push_down(keyed_people(context.scene)))


def push_down(people: list[tuple[str, bpy.types.Object]]) -> str:
    """Turn the Actions of ours that people, persons and armatures, play into NLA strips."""
    for person, ob in people:
        animation = ob.animation_data
        if is_ours(animation.action):
            _push_down(animation, animation.action.name.removesuffix(f"_{person}"))
    return "NLA strips made"


def _push_down(animation: bpy.types.AnimData, name: str) -> None:
    action, slot = animation.action, getattr(animation, "action_slot", None)
    track = animation.nla_tracks.new()
    track.name = name
    strip = track.strips.new(name, int(action.frame_range[0]), action)
    strip.extrapolation, strip.blend_type = "NOTHING", animation.action_blend_type
    if slot is not None:
        strip.action_slot = slot
    animation.action = None


def reduce_action(ob: bpy.types.Object, centimetres: float, degrees: float) -> tuple[int, int]:
    """Reduce the keys of the Action that an armature plays, within the bounds; the numbers of keys before and after.

    Curves of anything but bones' quaternions and locations are left alone.
    """
    action = playing(ob).action
    untouched = is_untouched(action)
    curves = {(c.data_path, c.array_index): c for bag in bags_of(action) for c in bag.fcurves}
    before = sum(len(curve.keyframe_points) for curve in curves.values())
    first, last = (int(frame) for frame in action.frame_range)
    rig = read_rig(ob)
    turned, moved = _channels(curves, rig.names, ROTATION, 4), _channels(curves, rig.names, LOCATION, 3)
    if not turned:
        raise IntermambaError(f'Action "{action.name}" has no curves of whole rotations: generate it again.')
    frames = range(first, last + 1)
    rotations = [normalise(_sampled(curves, path, 4, frames)) for path in turned.values()]
    places = [_sampled(curves, path, 3, frames) for path in moved.values()]

    def positions(rotations: list[np.ndarray], places: list[np.ndarray]) -> np.ndarray:
        basis = np.tile(np.eye(4), (len(frames), len(rig.names), 1, 1))
        for bone, values in zip(turned, rotations, strict=True):
            basis[:, bone, :3, :3] = quat_to_matrix(values)
        for bone, values in zip(moved, places, strict=True):
            basis[:, bone, :3, 3] = values
        pose = pose_of(rig.rest, rig.parents, basis)
        tails = pose[..., :3, 3] + pose[..., :3, 1] * lengths
        return rig.scale * np.concatenate([pose[..., :3, 3], tails], axis=1)

    lengths = np.array([bone.length for bone in ob.data.bones])[:, None]
    levers = rig.scale * _levers(rig, lengths)[list(turned)]
    turns, moves = reduce_pose(rotations, places, positions, levers, degrees, centimetres / 100.0)
    for path, keys in (*zip(turned.values(), turns, strict=True), *zip(moved.values(), moves, strict=True)):
        for index in range(keys.values.shape[1]):
            _rewrite(curves[path, index], keys, index, first)
    if untouched:
        seal(action)
    ob.update_tag(refresh={"TIME"})
    return before, sum(len(curve.keyframe_points) for curve in curves.values())


def _levers(rig: Rig, lengths: np.ndarray) -> np.ndarray:
    """How far the farthest tail below each bone is from its head, at rest (B,)."""
    heads = rig.rest[:, :3, 3]
    tails = heads + rig.rest[:, :3, 1] * lengths
    levers = np.zeros(len(heads))
    for n, tail in enumerate(tails):
        above = n
        while above >= 0:
            levers[above] = max(levers[above], np.linalg.norm(tail - heads[above]))
            above = int(rig.parents[above])
    return levers


def _channels(curves: dict, bones: tuple[str, ...], channel: str, size: int) -> dict[int, str]:
    """Index of each bone that has all curves of a channel -> their path."""
    paths = {
        n: f'pose.bones["{bpy.utils.escape_identifier(bone)}"].{channel}' for n, bone in enumerate(bones)
    }
    return {n: path for n, path in paths.items() if all((path, k) in curves for k in range(size))}


def _sampled(curves: dict, path: str, size: int, frames: range) -> np.ndarray:
    """Values (T, size) of a channel's curves."""
    return np.array([[curves[path, k].evaluate(frame) for k in range(size)] for frame in frames])


def _rewrite(curve: bpy.types.FCurve, keys: Keys, index: int, first: int) -> None:
    """The kept keys of one curve, with handles at thirds."""
    points, properties = curve.keyframe_points, bpy.types.Keyframe.bl_rna.properties
    points.clear()
    points.add(len(keys.frames))
    x, y, slope = keys.frames + first, keys.values[:, index], keys.slopes[:, index]
    reach = np.diff(keys.frames) / 3.0 if len(keys.frames) > 1 else np.ones(1)
    into, out = np.append(reach[0], reach)[: len(x)], np.append(reach, reach[-1])[: len(x)]
    for name, columns in (
        ("co", (x, y)),
        ("handle_left", (x - into, y - into * slope)),
        ("handle_right", (x + out, y + out * slope)),
    ):
        points.foreach_set(name, np.column_stack(columns).astype(np.float32).ravel())
    for name, value in (
        ("interpolation", "BEZIER"),
        ("handle_left_type", "ALIGNED"),
        ("handle_right_type", "ALIGNED"),
    ):
        number = properties[name].enum_items[value].value
        points.foreach_set(name, np.full(len(x), number, np.int32))
    curve.update()


CLASSES = (INTERMAMBA_OT_reduce_keys, INTERMAMBA_OT_push_down)
