"""Operators on takes and on the pair as one unit, each one undo step.

What the two do (roles, mirror, distance) belongs to the take, whose motion is put on the armatures anew. Where they do
it belongs to the scene: both objects are moved together, and keys that were edited stay.
"""

import math
from typing import ClassVar

import bpy
from bpy.props import EnumProperty, FloatProperty
from mathutils import Matrix, Vector

from intermamba.errors import IntermambaError
from intermamba.motion.skeleton import JOINT_NAMES, PELVIS
from intermamba.retarget import map_bones

from .jobs import session
from .placing import keyed_people
from .properties import IntermambaTake
from .reporting import Reporting
from .rigs import PEOPLE, read_rig
from .takes import apply_take, chosen_take, delete_takes

PLACES = (
    (
        "CURSOR",
        "3D Cursor",
        "The middle between the two, as they stand at the playhead, goes to the 3D cursor",
    ),
    (
        "EMPTIES",
        "Two Empties",
        "The two stand on the line between two selected empties, A towards the first by name",
    ),
    ("HERE", "Here", "The pair is only turned"),
)


class _TakeOperator(Reporting, bpy.types.Operator):
    """Does something with the chosen take."""

    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "takes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is a take, and not while a job runs."""
        return session.job is None and bool(context.scene.intermamba.takes)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, or say why not."""
        return self.attempt(lambda: self.change(context))


def _changed(context: bpy.types.Context, name: str, value: object) -> str:
    """Put the take on the armatures with a property changed; it stays as it was where that fails."""
    take: IntermambaTake = chosen_take(context.scene)
    before = getattr(take, name)
    setattr(take, name, value)
    try:
        return apply_take(context, take)
    except IntermambaError:
        setattr(take, name, before)
        raise


class INTERMAMBA_OT_apply_take(_TakeOperator):
    """Put the chosen take on the two armatures, without generating again"""

    bl_idname = "intermamba.apply_take"
    bl_label = "Use Take"

    def change(self, context: bpy.types.Context) -> str:
        """Key both people."""
        return apply_take(context, chosen_take(context.scene))


class INTERMAMBA_OT_delete_take(_TakeOperator):
    """Delete the chosen take; what its armatures play now stays"""

    bl_idname = "intermamba.delete_take"
    bl_label = "Delete Take"

    def change(self, context: bpy.types.Context) -> str:
        """Drop it from the list."""
        take = chosen_take(context.scene)
        name = take.name
        delete_takes(context.scene, [context.scene.intermamba.take])
        return f"Deleted: {name}"


class INTERMAMBA_OT_keep_starred(_TakeOperator):
    """Delete all takes without a star"""

    bl_idname = "intermamba.keep_starred"
    bl_label = "Keep Starred"

    def change(self, context: bpy.types.Context) -> str:
        """Drop the others from the list."""
        takes = context.scene.intermamba.takes
        others = [n for n, take in enumerate(takes) if not take.star]
        if len(others) == len(takes):
            raise IntermambaError("No take has a star: star those to keep first.")
        delete_takes(context.scene, others)
        return f"{len(others)} takes deleted, {len(takes)} kept"


class INTERMAMBA_OT_swap_roles(_TakeOperator):
    """Let A play the part of B, and B that of A"""

    bl_idname = "intermamba.swap_roles"
    bl_label = "Swap Roles"
    part = "pair"

    def change(self, context: bpy.types.Context) -> str:
        """Key both people anew."""
        return _changed(context, "swapped", not chosen_take(context.scene).swapped)


class INTERMAMBA_OT_mirror_pair(_TakeOperator):
    """Exchange left and right of both people"""

    bl_idname = "intermamba.mirror_pair"
    bl_label = "Mirror Pair"
    part = "pair"

    def change(self, context: bpy.types.Context) -> str:
        """Key both people anew."""
        return _changed(context, "mirrored", not chosen_take(context.scene).mirrored)


class INTERMAMBA_OT_pair_distance(_TakeOperator):
    """Move B away from A, or nearer, throughout the take"""

    bl_idname = "intermamba.pair_distance"
    bl_label = "Pair Distance"
    part = "pair"

    metres: FloatProperty(
        name="Distance",
        description="How much farther apart the two stand than generated; less than 0 is nearer",
        unit="LENGTH",
        soft_min=-1.0,
        soft_max=2.0,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin with the take's own."""
        self.metres = chosen_take(context.scene).distance
        return context.window_manager.invoke_props_popup(self, event)

    def change(self, context: bpy.types.Context) -> str:
        """Key both people anew."""
        return _changed(context, "distance", self.metres)


class INTERMAMBA_OT_place_pair(Reporting, bpy.types.Operator):
    """Move both armatures as one"""

    bl_idname = "intermamba.place_pair"
    bl_label = "Place Pair"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "pair"

    where: EnumProperty(name="Where", description="Where the pair goes", items=PLACES)
    turn: FloatProperty(
        name="Turn",
        description="Turn the pair about its middle, seen from above",
        subtype="ANGLE",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where two armatures play a motion."""
        return session.job is None and len(keyed_people(context.scene)) == len(PEOPLE)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask how far to turn where that is all."""
        if self.where == "HERE":
            return context.window_manager.invoke_props_popup(self, event)
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move the objects; no key is touched."""
        return self.attempt(lambda: place_pair(context, self.where, self.turn))


def place_pair(context: bpy.types.Context, where: str, turn: float) -> str:
    """Move both armatures to one of PLACES and turn them (radians), as they stand at the playhead.

    Raises IntermambaError when two people or two empties are missing.
    """
    people = [ob for _, ob in keyed_people(context.scene)]
    if len(people) != len(PEOPLE):
        raise IntermambaError("Two armatures have to play a motion first: generate one.")
    a, b = (_stands(context, ob, people[0].matrix_world.translation.z) for ob in people)
    middle, goal, angle = 0.5 * (a + b), 0.5 * (a + b), turn
    if where == "CURSOR":
        goal = context.scene.cursor.location.copy()
    elif where == "EMPTIES":
        empties = sorted(
            (ob for ob in context.selected_objects if ob.type == "EMPTY"), key=lambda ob: ob.name
        )
        if len(empties) != len(PEOPLE):
            raise IntermambaError(f"Two empties have to be selected; {len(empties)} are.")
        first, second = (ob.matrix_world.translation for ob in empties)
        goal, angle = 0.5 * (first + second), turn + _heading(second - first) - _heading(b - a)
    move = Matrix.Translation(goal) @ Matrix.Rotation(angle, 4, "Z") @ Matrix.Translation(-middle)
    places = {ob: move @ ob.matrix_world for ob in people}
    for ob in sorted(people, key=lambda ob: ob.parent in people):
        ob.matrix_world = places[ob]
        context.view_layer.update()
    return "Pair placed"


def _stands(context: bpy.types.Context, ob: bpy.types.Object, floor: float) -> Vector:
    """The point on the floor below a person's hips."""
    hips = map_bones(read_rig(ob))[JOINT_NAMES[PELVIS]]
    played = ob.evaluated_get(context.evaluated_depsgraph_get())
    place = played.matrix_world @ played.pose.bones[hips].head
    return Vector((place.x, place.y, floor))


def _heading(direction: Vector) -> float:
    return math.atan2(direction.y, direction.x)


CLASSES = (
    INTERMAMBA_OT_apply_take,
    INTERMAMBA_OT_delete_take,
    INTERMAMBA_OT_keep_starred,
    INTERMAMBA_OT_swap_roles,
    INTERMAMBA_OT_mirror_pair,
    INTERMAMBA_OT_pair_distance,
    INTERMAMBA_OT_place_pair,
)
