"""Limbs of control rigs, baked to FK or to IK controls from what they play.

What a limb does is read off the bones that follow either kind of control, corrections and NLA included. Each control is
then keyed so that it stands where these have it, given what it hangs on. Hands and feet stay where they were; knees of
Rigify move by up to 2.5 cm and elbows by 1 cm, as its IK, which may stretch, shortens bent limbs by 2 %.

Rigify was tried on generated rigs. Auto-Rig Pro was not at hand. Public copies of its sources, and notes on one of its
rigs, have: the controls' names; `ik_fk_switch` on c_hand_ik and c_foot_ik, 0 for IK and 1 for FK; that arm, forearm,
hand, thigh, leg and foot copy either chain by it; hands, feet and poles hung on other bones by Child Of; and its own
snapping, which puts c_hand_ik and c_foot_ik where c_hand_fk and c_foot_fk are, poles into the limb's plane, and what is
`still` below to rest. Not verified: toes_01 in IK, stretched and three-boned limbs, and a bake on a real rig.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import bpy
import numpy as np
from mathutils import Matrix

from intermamba.errors import IntermambaError
from intermamba.retarget.limb_ik import bend_direction, unstretched
from intermamba.retarget.pose_space import split_basis

from .actions import bags_of, channels_of, is_ours, is_untouched, seal, write_curves
from .bake import offstage, play, stacked
from .layers import bake_layer, layer_track
from .placing import keyed_people, playing

IK, FK = "IK", "FK"


@dataclass(frozen=True, kw_only=True)
class Limb:
    """Bones of an arm or a leg, in names without the side.

    follows: upper, lower, end and, of legs, toes, which follow either kind of control; fk: their controls; ik: controls
    of the end, the pole and the toes; still: IK controls that have to be at rest; on: the bone with the settings; to:
    what these are for each kind.
    """

    follows: tuple[str, ...]
    fk: tuple[str, ...]
    ik: tuple[str, ...]
    still: tuple[str, ...] = ()
    on: str
    to: dict[str, tuple[tuple[str, float], ...]]

    @property
    def needed(self) -> tuple[str, ...]:
        """Bones without which it is no limb of this kind of rig."""
        return (*self.follows[:3], *self.fk[:3], *self.ik[:2], self.on)


@dataclass(frozen=True)
class Controls:
    """The limbs of a kind of rig, and the endings of their bones' names."""

    limbs: tuple[Limb, ...]
    sides: tuple[str, str]


_RIGIFY_TO = {IK: (("IK_FK", 0.0), ("pole_vector", 1.0)), FK: (("IK_FK", 1.0),)}
_ARP_TO = {IK: (("ik_fk_switch", 0.0),), FK: (("ik_fk_switch", 1.0),)}
RIGIFY = Controls(
    (
        Limb(
            follows=("ORG-upper_arm", "ORG-forearm", "ORG-hand"),
            fk=("upper_arm_fk", "forearm_fk", "hand_fk"),
            ik=("hand_ik", "upper_arm_ik_target"),
            on="upper_arm_parent",
            to=_RIGIFY_TO,
        ),
        Limb(
            follows=("ORG-thigh", "ORG-shin", "ORG-foot", "ORG-toe"),
            fk=("thigh_fk", "shin_fk", "foot_fk", "toe_fk"),
            ik=("foot_ik", "thigh_ik_target", "toe_ik"),
            still=("foot_heel_ik", "foot_spin_ik"),
            on="thigh_parent",
            to=_RIGIFY_TO,
        ),
    ),
    (".L", ".R"),
)
AUTO_RIG_PRO = Controls(
    (
        Limb(
            follows=("arm", "forearm", "hand"),
            fk=("c_arm_fk", "c_forearm_fk", "c_hand_fk"),
            ik=("c_hand_ik", "c_arms_pole"),
            still=("c_arm_ik",),
            on="c_hand_ik",
            to=_ARP_TO,
        ),
        Limb(
            follows=("thigh", "leg", "foot", "toes_01"),
            fk=("c_thigh_fk", "c_leg_fk", "c_foot_fk", "c_toes_fk"),
            ik=("c_foot_ik", "c_leg_pole", "c_toes_ik"),
            still=("c_foot_01", "c_foot_roll_cursor", "c_toes_pivot", "c_foot_ik_offset", "c_thigh_ik"),
            on="c_foot_ik",
            to=_ARP_TO,
        ),
    ),
    (".l", ".r"),
)


def controls_of(ob: bpy.types.Object) -> Controls | None:
    """The controls of a rig's limbs, None where it is of no kind that is known."""
    for controls in (RIGIFY, AUTO_RIG_PRO):
        names = (name + side for limb in controls.limbs for name in limb.needed for side in controls.sides)
        if all(name in ob.pose.bones for name in names):
            return controls
    return None


def control_people(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Control rigs among the scene's two whose active Action is ours."""
    return [ob for _, ob in keyed_people(scene) if is_ours(ob.animation_data.action) and controls_of(ob)]


class Baking:
    """One bake of all control rigs to "IK" or "FK" controls. Nothing but `finish` changes anything of the user's.

    Raises IntermambaError where there are none, or where a control hangs on what is not its rig's own.
    """

    def __init__(self, scene: bpy.types.Scene, kind: str) -> None:
        self.scene, self.kind = scene, kind
        self.people = control_people(scene)
        if not self.people:
            raise IntermambaError(
                "No Rigify or Auto-Rig Pro rig plays a motion: generate one, or put a take on it."
            )
        for ob in self.people:
            _check_hanging(ob)
        spans = [playing(ob) for ob in self.people]
        self.first, self.last = min(span.first for span in spans), max(span.last for span in spans)
        self._seen: list = []

    def watch(self) -> Iterator[float]:
        """Play the rigs, frame after frame: the share that is done."""
        with offstage(self.scene, "InterMamba") as stage:
            for seen in play(stage, self.people, self.first, self.last):
                self._seen.append(seen)
                yield len(self._seen) / (self.last - self.first + 1)

    def finish(self) -> str:
        """Key what was watched, and say in words what was done."""
        for ob, (world, pose) in zip(self.people, stacked(self._seen), strict=True):
            track = layer_track(ob)
            if track and not track.mute:
                bake_layer(ob)
            span = playing(ob)
            part = slice(span.first - self.first, span.last - self.first + 1)
            _bake(ob, world[part], pose[part], span.first, self.kind)
        return f"Arms and legs are keyed on {self.kind} controls"


def _check_hanging(ob: bpy.types.Object) -> None:
    controls = controls_of(ob)
    for limb in controls.limbs:
        for control in (name + side for name in (*limb.fk, *limb.ik) for side in controls.sides):
            for hold in _holds(ob, control):
                if hold.target != ob or hold.subtarget not in ob.pose.bones:
                    raise IntermambaError(
                        f'"{control}" of "{ob.name}" hangs on "{hold.target.name}", which is not a bone of its own: '
                        "mute that constraint first."
                    )


def _holds(ob: bpy.types.Object, control: str) -> list[bpy.types.Constraint]:
    """The constraints that carry a control along; those that are more off than on do not count."""
    bone = ob.pose.bones.get(control)
    return [
        one
        for one in (bone.constraints if bone else ())
        if one.type == "CHILD_OF" and one.target and not one.mute and one.influence > 0.5
    ]


def _bake(ob: bpy.types.Object, world: np.ndarray, pose: np.ndarray, start: int, kind: str) -> None:
    """Key one rig from the object's matrices (T,4,4) and poses (T,B,4,4) of all its bones."""
    action, controls = ob.animation_data.action, controls_of(ob)
    untouched = is_untouched(action)
    keys = _Keys(ob, world, pose, start)
    for limb in controls.limbs:
        for side in controls.sides:
            (keys.key_ik if kind == IK else keys.key_fk)(limb, side)
            for name, value in limb.to[kind]:
                keys.switch(limb.on + side, name, value)
    if untouched:
        seal(action)
    ob.update_tag(refresh={"TIME"})


class _Keys:
    """Writes controls of a rig so that they stand where poses (T,B,4,4) have the bones that follow them."""

    def __init__(self, ob: bpy.types.Object, world: np.ndarray, pose: np.ndarray, start: int) -> None:
        self.ob, self.world, self.start = ob, world, start
        self.frames = np.arange(start, start + len(pose), dtype=np.float32)
        self.pose = {bone.name: pose[:, n] for n, bone in enumerate(ob.data.bones)}
        self.rest = {bone.name: np.array(bone.matrix_local) for bone in ob.data.bones}
        self.channels, _ = channels_of(ob.animation_data.action, ob)

    def key_fk(self, limb: Limb, side: str) -> None:
        follows = [name + side for name in limb.follows]
        heads = [self.rest[name][:3, 3] for name in follows[:3]]
        poses = [self.pose[name] for name in follows[:3]]
        size = np.linalg.norm(poses[2][0, :3, 0])
        lengths = tuple(size * float(np.linalg.norm(b - a)) for a, b in pairwise(heads))
        self.pose[follows[0]], self.pose[follows[1]] = unstretched(*poses, lengths)
        above = None
        for source, control in zip(follows, (name + side for name in limb.fk), strict=True):
            if control in self.rest and source in self.rest:
                self.key(control, self.moved(source, control), above)
            above = source

    def key_ik(self, limb: Limb, side: str) -> None:
        upper, lower, end, *toes = (name + side for name in limb.follows)
        hold, pole, *tips = (name + side for name in limb.ik)
        self.key(hold, self.moved(end, hold), None, moves=True)
        for toe, tip in zip(toes, tips, strict=True):
            if toe in self.rest and tip in self.rest:
                self.key(tip, self.moved(toe, tip), end)
        out = self.rest[pole][:3, 3] - self.rest[lower][:3, 3]
        heads = [self.pose[bone][:, :3, 3] for bone in (upper, lower, end)]
        hint = (self.moved(upper, upper)[:, :3, :3] @ np.linalg.inv(self.rest[upper][:3, :3])) @ out
        wanted = np.tile(self.rest[pole], (len(self.frames), 1, 1))
        wanted[:, :3, 3] = heads[1] + np.linalg.norm(out) * bend_direction(*heads, hint)
        self.key(pole, wanted, None, moves=True)
        for control in (name + side for name in limb.still if name + side in self.rest):
            self.write(control, np.eye(4)[None], moves=True)

    def moved(self, source: str, control: str) -> np.ndarray:
        """Poses (T,4,4) of a control that moves as the source does from the rest pose."""
        return self.pose[source] @ np.linalg.inv(self.rest[source]) @ self.rest[control]

    def held(self, control: str) -> np.ndarray:
        """Where the constraints that carry a control along put it (T,4,4), from where its keys have it."""
        held = np.eye(4)
        for hold in _holds(self.ob, control):
            inverse = np.array(hold.inverse_matrix)
            if hold.owner_space == "WORLD":
                inverse = inverse @ self.world
            held = self.pose[hold.subtarget] @ inverse @ held
        return held

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
            for m, hangs in zip(np.linalg.inv(self.held(control)) @ wanted, options, strict=True)
        ]
        self.write(control, np.array(basis), moves)
        self.pose[control] = wanted

    def write(self, control: str, basis: np.ndarray, moves: bool) -> None:
        """Key a control's basis (T,4,4), or (1,4,4) for all of the time."""
        location, rotation, _ = split_basis(basis[:, None])
        self.ob.pose.bones[control].rotation_mode = "QUATERNION"
        path = f'pose.bones["{bpy.utils.escape_identifier(control)}"]'
        values = {f"{path}.rotation_quaternion": rotation[:, 0]}
        if moves:
            values[f"{path}.location"] = location[:, 0]
        for channel, column in values.items():
            self.clear(channel)
            write_curves(self.channels, control, channel, self.frames[: len(basis)], column)

    def clear(self, path: str) -> None:
        for bag in bags_of(self.ob.animation_data.action):
            for curve in [curve for curve in bag.fcurves if curve.data_path == path]:
                bag.fcurves.remove(curve)

    def switch(self, bone: str, name: str, value: float) -> None:
        """Key one of the rig's settings."""
        if name in self.ob.pose.bones[bone]:
            path = f'pose.bones["{bone}"]["{name}"]'
            self.clear(path)
            self.channels.fcurves.new(path).keyframe_points.insert(self.start, value)
