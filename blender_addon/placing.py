"""From a motion to two keyed armatures in a scene."""

import math
from dataclasses import dataclass

import bpy
from mathutils import Vector

from intermamba.errors import IntermambaError, RetargetError
from intermamba.motion.motion import Motion, resample
from intermamba.retarget import BoneMap, Pose, pair_frame
from intermamba.retarget.pair import PairKeys, retarget_pair

from .actions import is_ours, write_action
from .bone_map import bone_map_of, key_switches
from .contacts import show
from .layers import TRACK
from .rigs import PEOPLE, find_mannequin, make_mannequin, people_of, read_rig
from .suggestions import rest_of_people

Armature = bpy.types.Object | None
APART = 1.2  # between two characters that were just added, metres


def can_place(context: bpy.types.Context) -> bool:
    """Whether armatures may be made and keyed now: edit and paint modes keep an undo history of their own."""
    return context.mode in {"OBJECT", "POSE"}


def place_motion(
    context: bpy.types.Context, motion: Motion, picked: tuple[Armature, Armature], start: int
) -> str:
    """Key both people from frame `start` on, at the scene's own frame rate, and say in words what was done.

    Mannequins are made, or found again, for those not picked. The pair stands where person A's object
    stands. The scene's end is moved, outward only, as long as nothing else in the scene is animated. Raises
    IntermambaError, before anything is changed, when it cannot be done.
    """
    if not can_place(context):
        raise IntermambaError("Return to Object Mode first, then generate again.")
    check_people(picked)
    scene = context.scene
    motion = resample(motion, scene.render.fps / scene.render.fps_base)
    people = [
        ob or find_mannequin(scene, person) or make_mannequin(context, person, motion.rest[n])
        for n, (ob, person) in enumerate(zip(picked, PEOPLE, strict=True))
    ]
    check_people(people)
    context.view_layer.update()
    made, maps = _pair_on(motion, people)
    for ob, person, base, bone_map in zip(people, PEOPLE, made.base, maps, strict=True):
        action = write_action(ob, base, motion, person, start)
        key_switches(ob, action, bone_map.switches, start)
    show(scene, people, motion, made, start)
    return _fit_range(scene, start, start + motion.frames - 1)


def add_characters(context: bpy.types.Context) -> str:
    """Make those mannequins that are missing: at the 3D cursor, facing each other. Raises IntermambaError."""
    if not can_place(context):
        raise IntermambaError("Return to Object Mode first, then add the characters again.")
    cursor, rest = context.scene.cursor.location, rest_of_people()
    for person, ob, side in zip(PEOPLE, people_of(context.scene), (0.5, -0.5), strict=True):
        if ob is None:
            made = make_mannequin(context, person, rest)
            made.location = cursor + Vector((0.0, side * APART, 0.0))
            made.rotation_euler.z = 0.0 if side > 0 else math.pi
    context.view_layer.update()
    return "Write what the two do, then press Generate"


def poses_of(motion: Motion, people: list[bpy.types.Object]) -> tuple[Pose, Pose]:
    """Keys for both armatures, where person A's object stands, with the correction that keeps their contacts."""
    return _pair_on(motion, people)[0].whole()


def _pair_on(motion: Motion, people: list[bpy.types.Object]) -> tuple[PairKeys, list[BoneMap]]:
    a, b = (read_rig(ob) for ob in people)
    maps = [bone_map_of(ob, rig) for ob, rig in zip(people, (a, b), strict=True)]
    bones = maps[0].bones, maps[1].bones
    return retarget_pair(motion, (a, b), bones, pair_frame(a, bones[0])), maps


def check_people(people: tuple[Armature, Armature] | list) -> None:
    """Raise RetargetError when an armature, where there is one, cannot be keyed."""
    if people[0] is not None and people[0] == people[1]:
        raise RetargetError("Person A and person B are the same armature: pick two, or leave one empty.")
    for ob in people:
        if ob is not None:
            bone_map_of(ob)


def keyed_people(scene: bpy.types.Scene) -> list[tuple[str, bpy.types.Object]]:
    """Persons "A" and "B" with their armatures, those picked or else the mannequins, that play a motion of
    ours."""
    people = zip(PEOPLE, people_of(scene), strict=True)
    return [(person, ob) for person, ob in people if ob and playing(ob)]


@dataclass(frozen=True)
class Playing:
    """An Action of ours that an armature plays, and the frames in which it plays ours."""

    action: bpy.types.Action
    first: int
    last: int


def playing(ob: bpy.types.Object) -> Playing | None:
    """What an armature plays: its active Action, or else the NLA strips of ours, the first of which is named."""
    animation = ob.animation_data
    if animation is None:
        return None
    if is_ours(animation.action):
        first, last = animation.action.frame_range
        return Playing(animation.action, int(first), int(last))
    tracks = [track for track in animation.nla_tracks if animation.use_nla and not track.mute]
    strips = [strip for track in tracks for strip in track.strips if not strip.mute and is_ours(strip.action)]
    if not strips:
        return None
    strips.sort(key=lambda strip: strip.frame_start)
    return Playing(strips[0].action, int(strips[0].frame_start), int(max(s.frame_end for s in strips)))


def _fit_range(scene: bpy.types.Scene, first: int, last: int) -> str:
    if scene.frame_end < last and not _animated_by_user(scene):
        scene.frame_end = last
    after = f", past the scene's end at {scene.frame_end}" if scene.frame_end < last else ""
    return f"Frames {first} to {last}{after}"


def _animated_by_user(scene: bpy.types.Scene) -> bool:
    for ob in scene.objects:
        animation = ob.animation_data
        if animation and (
            any(not track.name.startswith(TRACK) for track in animation.nla_tracks)
            or (animation.action and not is_ours(animation.action))
        ):
            return True
    return False
