"""Takes: generated motions, kept with the scene, that can be put on any two armatures at any time."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import bpy

from intermamba.errors import IntermambaError
from intermamba.motion.arrange import mirror_motion, spread_pair, swap_people
from intermamba.motion.compact import motion_from_text, motion_to_text
from intermamba.motion.motion import Motion, resample

from .actions import action_name, assign, is_untouched, write_action
from .export import export_people, stem_of
from .export_presets import Options
from .placing import Armature, keyed_people, place_motion, playing, poses_of
from .properties import IntermambaTake
from .rigs import PEOPLE


def place_takes(
    context: bpy.types.Context, motions: list[Motion], picked: tuple[Armature, Armature], start: int
) -> str:
    """Put the first of new motions on the armatures, keep all of them, and say in words what was done.

    Raises IntermambaError, before anything is changed, when it cannot be done.
    """
    note = place_motion(context, motions[0], picked, start)
    indices = [keep_take(context.scene, motion) for motion in motions]
    context.scene.intermamba.take = indices[0]
    return note if len(motions) == 1 else f"{note}, take 1 of {len(motions)}"


def keep_take(scene: bpy.types.Scene, motion: Motion) -> int:
    """Keep a motion as it was generated and give its place in the list.

    One of the same prompt, seed and length takes the place of the older one, and leaves its star.
    """
    takes = scene.intermamba.takes
    seconds = motion.frames / motion.fps
    same = [
        n
        for n, take in enumerate(takes)
        if (take.prompt, take.seed) == (motion.prompt, motion.seed) and abs(take.seconds - seconds) < 1e-3
    ]
    take = takes[same[0]] if same else takes.add()
    take.name = f"{motion.prompt} ({motion.seed})"
    take.prompt, take.seed, take.seconds = motion.prompt, motion.seed, seconds
    take.swapped, take.mirrored, take.distance = False, False, 0.0
    take.data = motion_to_text(motion)
    take.key = hashlib.sha256(take.data.encode()).hexdigest()[:16]
    return same[0] if same else len(takes) - 1


def chosen_take(scene: bpy.types.Scene) -> IntermambaTake:
    """The take chosen in the list. Raises IntermambaError where there is none."""
    settings = scene.intermamba
    if not 0 <= settings.take < len(settings.takes):
        raise IntermambaError("No take is chosen: generate a motion first, or choose one in the list.")
    return settings.takes[settings.take]


def motion_of_take(take: IntermambaTake) -> Motion:
    """The motion with all that was done to it. Raises MotionFileError when it is damaged."""
    motion = motion_from_text(take.data)
    if take.swapped:
        motion = swap_people(motion)
    if take.mirrored:
        motion = mirror_motion(motion)
    return spread_pair(motion, take.distance) if take.distance else motion


def apply_take(context: bpy.types.Context, take: IntermambaTake) -> str:
    """Put a take on the scene's armatures: from where their motion starts, else from the playhead on."""
    scene = context.scene
    people = keyed_people(scene)
    start = scene.frame_current
    if people:
        start = playing(people[0][1]).first
    settings = scene.intermamba
    return place_motion(context, motion_of_take(take), (settings.person_a, settings.person_b), start)


def delete_takes(scene: bpy.types.Scene, indices: list[int]) -> None:
    """Delete takes, and their Actions that nobody has edited and nothing plays."""
    settings = scene.intermamba
    gone = {settings.takes[n].name for n in indices}
    names = [action_name(motion_of_take(settings.takes[n]), person) for n in indices for person in PEOPLE]
    for n in sorted(indices, reverse=True):
        settings.takes.remove(n)
    settings.take = max(
        0, min(settings.take - sum(n < settings.take for n in indices), len(settings.takes) - 1)
    )
    if gone & {take.name for take in settings.takes}:
        return  # another length of the same prompt and seed
    for action in filter(None, map(bpy.data.actions.get, names)):
        if action.users == int(action.use_fake_user) and is_untouched(action):
            bpy.data.actions.remove(action)


@contextmanager
def worn(context: bpy.types.Context, take: IntermambaTake) -> Iterator[None]:
    """Let the scene's two armatures play a take, and what they played before afterwards."""
    people = keyed_people(context.scene)
    if len(people) != len(PEOPLE):
        raise IntermambaError(
            "Takes are exported with the two armatures that play one: put a take on them first."
        )
    motion = resample(motion_of_take(take), context.scene.render.fps / context.scene.render.fps_base)
    armatures = [ob for _, ob in people]
    with ExitStack() as undo:
        for ob, person, pose in zip(armatures, PEOPLE, poses_of(motion, armatures), strict=True):
            animation = ob.animation_data
            undo.callback(assign, ob, animation.action, getattr(animation, "action_slot", None))
            undo.callback(setattr, animation, "use_nla", animation.use_nla)
            animation.use_nla = False
            action = bpy.data.actions.new(action_name(motion, person))
            undo.callback(bpy.data.actions.remove, action)
            write_action(ob, pose, motion, person, 0, action)
        yield


def export_takes(context: bpy.types.Context, path: str, options: Options) -> list[Path]:
    """Export every take, in files named after `path` and the take: a take's files are all there, or none of them is.

    Raises IntermambaError.
    """
    takes = context.scene.intermamba.takes
    if not takes:
        raise IntermambaError("There are no takes: generate one first.")
    stem, names, written = stem_of(path), set(), []
    for take in takes:
        base = action_name(motion_of_take(take), "").rstrip("_")
        name = next(n for n in (base, *(f"{base}_{k}" for k in range(2, len(takes) + 2))) if n not in names)
        names.add(name)
        with worn(context, take):
            written += export_people(context, str(stem.with_name(f"{stem.name}_{name}")), options)
    return written
