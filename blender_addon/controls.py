"""Rigify's limbs, baked to FK or to IK controls from what they play.

What a limb does is read off its ORG- bones, which follow either kind of control, corrections and NLA included. Each
control is then keyed so that it stands where its ORG- bone does, given what it hangs on. Hands and feet stay where they
were; knees move by up to 2.5 cm and elbows by 1 cm, as Rigify's IK, which may stretch, shortens bent limbs by 2 %.
"""

from itertools import pairwise
from typing import ClassVar

import bpy
import numpy as np
from bpy.props import EnumProperty
from mathutils import Matrix

from intermamba.errors import IntermambaError
from intermamba.retarget.limb_ik import bend_direction, unstretched
from intermamba.retarget.pose_space import split_basis

from .actions import bags_of, channels_of, is_ours, is_untouched, seal, write_curves
from .bake import played
from .export import stage_of
from .jobs import session
from .layers import bake_layer, layer_track
from .placing import keyed_people, playing
from .reporting import Reporting

KINDS = (
    ("IK", "IK", "Hands, feet, elbows and knees: what they hold stays where it is when the body is moved"),
    ("FK", "FK", "Every bone turns with the one above it: for swings and arcs"),
)
_LIMBS = (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot", "toe"))
_SWITCHES = {"IK": (("IK_FK", 0.0), ("pole_vector", 1.0)), "FK": (("IK_FK", 1.0),)}


class INTERMAMBA_OT_bake_controls(Reporting, bpy.types.Operator):
    """Key the arms and legs of Rigify rigs on the other kind of controls, with a contact correction baked in"""

    bl_idname = "intermamba.bake_controls"
    bl_label = "Rigify Controls"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "pair"

    kind: EnumProperty(name="Controls", description="What carries the keys of arms and legs", items=KINDS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where a Rigify rig plays a motion."""
        return session.job is None and bool(rigify_people(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One undo step."""
        return self.attempt(lambda: bake_controls(context, self.kind))


def rigify_people(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Generated Rigify rigs among the scene's two whose active Action is ours."""
    return [
        ob
        for _, ob in keyed_people(scene)
        if is_ours(ob.animation_data.action) and all(bone in ob.pose.bones for bone in _needed())
    ]


def _needed() -> list[str]:
    names = [name for bones in _LIMBS for bone in bones[:3] for name in (f"ORG-{bone}", f"{bone}_fk")]
    names += [
        name for bones in _LIMBS for name in (f"{bones[2]}_ik", f"{bones[0]}_ik_target", f"{bones[0]}_parent")
    ]
    return [f"{name}.{side}" for name in names for side in "LR"]


def bake_controls(context: bpy.types.Context, kind: str) -> str:
    """Key the limbs of all Rigify rigs on their "IK" or "FK" controls. Raises IntermambaError where there are none."""
    people = rigify_people(context.scene)
    if not people:
        raise IntermambaError("No generated Rigify rig plays a motion: generate one, or put a take on it.")
    for ob in people:
        track = layer_track(ob)
        if track and not track.mute:
            bake_layer(ob)
    spans = [playing(ob) for ob in people]
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    with stage_of(context, "InterMamba") as stage:
        poses = played(stage, people, first, last)
    for ob, (_, pose) in zip(people, poses, strict=True):
        span = playing(ob)
        _bake(ob, pose[span.first - first : span.last - first + 1], span.first, kind)
    return f"Arms and legs are keyed on {kind} controls"


def _bake(ob: bpy.types.Object, pose: np.ndarray, start: int, kind: str) -> None:
    """Key one rig from poses (T,B,4,4) of all its bones."""
    action = ob.animation_data.action
    untouched = is_untouched(action)
    limb = _Limb(ob, pose, start)
    for bones in _LIMBS:
        for side in "LR":
            limb.key_ik(bones, side) if kind == "IK" else limb.key_fk(bones, side)
            for name, value in _SWITCHES[kind]:
                limb.switch(f"{bones[0]}_parent.{side}", name, value)
    if untouched:
        seal(action)
    ob.update_tag(refresh={"TIME"})


class _Limb:
    """Writes controls of a rig so that they stand where poses (T,B,4,4) have its ORG- bones."""

    def __init__(self, ob: bpy.types.Object, pose: np.ndarray, start: int) -> None:
        self.ob, self.start = ob, start
        self.frames = np.arange(start, start + len(pose), dtype=np.float32)
        self.pose = {bone.name: pose[:, n] for n, bone in enumerate(ob.data.bones)}
        self.rest = {bone.name: np.array(bone.matrix_local) for bone in ob.data.bones}
        self.channels, _ = channels_of(ob.animation_data.action, ob)

    def key_fk(self, bones: tuple[str, ...], side: str) -> None:
        upper, lower, end = names = [f"ORG-{bone}.{side}" for bone in bones[:3]]
        heads = [self.rest[name][:3, 3] for name in names]
        size = np.linalg.norm(self.pose[end][0, :3, 0])
        lengths = tuple(size * float(np.linalg.norm(b - a)) for a, b in pairwise(heads))
        poses = [self.pose[name] for name in (upper, lower, end)]
        self.pose[upper], self.pose[lower] = unstretched(*poses, lengths)
        above = None
        for bone in bones:
            control, source = f"{bone}_fk.{side}", f"ORG-{bone}.{side}"
            if control in self.rest:
                self.key(control, self.moved(source, control), above)
            above = source

    def key_ik(self, bones: tuple[str, ...], side: str) -> None:
        upper, lower, end = (f"ORG-{bone}.{side}" for bone in bones[:3])
        hold, pole = f"{bones[2]}_ik.{side}", f"{bones[0]}_ik_target.{side}"
        self.key(hold, self.moved(end, hold), None, moves=True)
        if len(bones) > 3 and (tip := f"{bones[3]}_ik.{side}") in self.rest:
            self.key(tip, self.moved(f"ORG-{bones[3]}.{side}", tip), end)
        out = self.rest[pole][:3, 3] - self.rest[lower][:3, 3]
        heads = [self.pose[bone][:, :3, 3] for bone in (upper, lower, end)]
        hint = (self.moved(upper, upper)[:, :3, :3] @ np.linalg.inv(self.rest[upper][:3, :3])) @ out
        wanted = np.tile(self.rest[pole], (len(self.frames), 1, 1))
        wanted[:, :3, 3] = heads[1] + np.linalg.norm(out) * bend_direction(*heads, hint)
        self.key(pole, wanted, None, moves=True)

    def moved(self, source: str, control: str) -> np.ndarray:
        """Poses (T,4,4) of a control that moves as the source does from the rest pose."""
        return self.pose[source] @ np.linalg.inv(self.rest[source]) @ self.rest[control]

    def key(self, control: str, wanted: np.ndarray, above: str | None, moves: bool = False) -> None:
        """Key a control that hangs on bone `above`, its parent where None, to be at poses (T,4,4)."""
        bone = self.ob.data.bones[control]
        options = [{}] * len(wanted)
        if bone.parent:
            carried = self.moved(above or bone.parent.name, bone.parent.name)
            rest = Matrix(self.rest[bone.parent.name].tolist())
            options = [{"parent_matrix": Matrix(m.tolist()), "parent_matrix_local": rest} for m in carried]
        place = bone.matrix_local
        basis = [
            bone.convert_local_to_pose(Matrix(m.tolist()), place, invert=True, **hangs)
            for m, hangs in zip(wanted, options, strict=True)
        ]
        location, rotation, _ = split_basis(np.array(basis)[:, None])
        self.ob.pose.bones[control].rotation_mode = "QUATERNION"
        path = f'pose.bones["{bpy.utils.escape_identifier(control)}"]'
        self.write(control, f"{path}.rotation_quaternion", rotation[:, 0])
        if moves:
            self.write(control, f"{path}.location", location[:, 0])

    def write(self, control: str, path: str, values: np.ndarray) -> None:
        self.clear(path)
        write_curves(self.channels, control, path, self.frames, values)

    def clear(self, path: str) -> None:
        for bag in bags_of(self.ob.animation_data.action):
            for curve in [curve for curve in bag.fcurves if curve.data_path == path]:
                bag.fcurves.remove(curve)

    def switch(self, bone: str, name: str, value: float) -> None:
        """Key one of Rigify's settings."""
        if name in self.ob.pose.bones[bone]:
            path = f'pose.bones["{bone}"]["{name}"]'
            self.clear(path)
            self.channels.fcurves.new(path).keyframe_points.insert(self.start, value)


CLASSES = (INTERMAMBA_OT_bake_controls,)
