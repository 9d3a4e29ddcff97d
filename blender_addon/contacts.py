"""The contacts of the pair, as the scene keeps them, and the correction that keeps them on rigs of other sizes."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from intermamba.errors import IntermambaError
from intermamba.motion.body_points import BODY_POINTS
from intermamba.motion.compact import motion_from_text, motion_to_text
from intermamba.motion.motion import Motion
from intermamba.motion.touch import Touch
from intermamba.retarget import pair_frame
from intermamba.retarget.pair import Contact, PairKeys, retarget_pair

from .actions import is_ours
from .bone_map import bone_map_of
from .layers import remove_layer, write_layer
from .rigs import PEOPLE, people_of, read_rig

_POINTS = [(name, name.replace("_", " "), "A place on the body") for name in sorted(BODY_POINTS)]


def _mark(row: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    mark_contacts(row.id_data)


class IntermambaContact(bpy.types.PropertyGroup):
    """One contact of the two people, from frame to frame."""

    use: BoolProperty(
        name="Keep",
        description="Keep this contact; without it the two move freely",
        default=True,
        update=_mark,
    )
    person: EnumProperty(
        items=[(person, person, f"Person {person} touches the other") for person in PEOPLE],
        name="Who",
        description="Who touches the other",
        update=_mark,
    )
    point: EnumProperty(items=_POINTS, name="With", description="What touches the other", update=_mark)
    on: EnumProperty(items=_POINTS, name="On", description="Where the other is touched", update=_mark)
    start: IntProperty(name="From", description="First frame of full contact", update=_mark)
    stop: IntProperty(name="To", description="Last frame of full contact", update=_mark)
    strength: FloatProperty(
        name="Strength",
        description="How strongly the contact is kept: 1 fully, 0 not at all",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    ramp: bpy.props.IntVectorProperty(
        size=2,
        default=(8, 9),
        min=0,
        name="Ramp",
        description="Frames in which it comes and goes",
        options={"HIDDEN"},
    )
    offset: bpy.props.FloatVectorProperty(
        size=3, name="Offset", description="From the place that is touched, in metres", options={"HIDDEN"}
    )
    missed: FloatProperty(
        name="Missed", description="How far it is from being kept, at the worst", unit="LENGTH"
    )


class IntermambaContacts(bpy.types.PropertyGroup):
    """The contacts of the motion that the scene's two people play."""

    items: CollectionProperty(type=IntermambaContact, name="Contacts", description="The pair's contacts")
    chosen: IntProperty(name="Contact", description="The chosen contact")
    markers: BoolProperty(
        name="Markers",
        description="Show in the timeline where each contact begins and ends",
        update=_mark,
    )
    marked: StringProperty(
        name="Marked", description="Names of the markers that were made, a line each", options={"HIDDEN"}
    )
    motion: StringProperty(
        name="Motion",
        description="The motion whose contacts they are, packed, at the scene's frame rate",
        options={"HIDDEN"},
    )
    start: IntProperty(name="Start", description="First frame of the motion", options={"HIDDEN"})


def show(
    scene: bpy.types.Scene, people: list[bpy.types.Object], motion: Motion, made: PairKeys, start: int
) -> None:
    """List the contacts of a motion that was just keyed, and put the correction on both armatures."""
    listed = scene.intermamba_contacts
    listed.motion, listed.start = motion_to_text(motion), start
    listed.items.clear()
    for contact in made.contacts:
        touch, row = contact.touch, listed.items.add()
        row.person, row.point, row.on = PEOPLE[touch.person], touch.point, touch.on
        row.start, row.stop = start + touch.start, start + touch.stop - 1
        row.strength, row.ramp, row.offset = contact.strength, touch.ramp, touch.offset
    mark_contacts(scene)
    _correct(scene, people, made)


def mark_contacts(scene: bpy.types.Scene) -> None:
    """Put a timeline marker where each contact begins and ends, or none while they are switched off.

    Earlier ones are replaced; they are known by their names, so that a renamed one is the user's own.
    """
    listed, markers = scene.intermamba_contacts, scene.timeline_markers
    names = set(listed.marked.splitlines())
    for marker in [marker for marker in markers if marker.name in names]:
        markers.remove(marker)
    names.clear()
    for row in (row for row in listed.items if row.use and listed.markers):
        for verb, frame in (("touches", row.start), ("leaves", row.stop)):
            name = f"{row.person} {row.point} {verb} {row.on}".replace("_", " ")
            markers.new(name, frame=frame)
            names.add(name)
    listed.marked = "\n".join(sorted(names))


def _correct(scene: bpy.types.Scene, people: list[bpy.types.Object], made: PairKeys) -> None:
    listed = scene.intermamba_contacts
    for n, ob in enumerate(people):
        if made.layer is None:
            remove_layer(ob)
        else:
            write_layer(ob, made.layer[n], listed.start)
    kept = (row for row in listed.items if row.use)
    for row, (_, missed) in zip(kept, made.missed, strict=True):
        row.missed = missed


def contacts_of(scene: bpy.types.Scene) -> list[Contact]:
    """The contacts that are to be kept. Raises IntermambaError when one ends before it starts."""
    listed = scene.intermamba_contacts
    for row in listed.items:
        if row.use and row.stop < row.start:
            raise IntermambaError(
                f"A contact ends in frame {row.stop}, before its start in {row.start}: change From or To."
            )
    return [
        Contact(
            Touch(
                PEOPLE.index(row.person),
                row.point,
                row.on,
                row.start - listed.start,
                row.stop - listed.start + 1,
                tuple(row.ramp),
                offset=tuple(row.offset),
            ),
            row.strength,
        )
        for row in listed.items
        if row.use
    ]


def solve_again(context: bpy.types.Context) -> str:
    """Correct both armatures for the contacts as they are listed; the base Actions stay as they are."""
    scene = context.scene
    packed, people = scene.intermamba_contacts.motion, pair_of(scene)
    if not packed or len(people) < len(PEOPLE):
        raise IntermambaError(
            "Two armatures have to play a motion first: generate one, or put a take on them."
        )
    motion = motion_from_text(packed)
    rigs = [read_rig(ob) for ob in people]
    maps = [bone_map_of(ob, rig).bones for ob, rig in zip(people, rigs, strict=True)]
    frame = pair_frame(rigs[0], maps[0])
    made = retarget_pair(motion, (rigs[0], rigs[1]), (maps[0], maps[1]), frame, contacts_of(scene))
    _correct(scene, people, made)
    if made.layer is None:
        return "These two need no correction"
    return (
        f"Kept {len(made.contacts)} contacts, {100 * max((b for _, b in made.missed), default=0):.1f} cm off"
    )


def pair_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The scene's two armatures whose active Action is ours, persons A and B."""
    people = people_of(scene)
    return [ob for ob in people if ob and ob.animation_data and is_ours(ob.animation_data.action)]


CLASSES = (IntermambaContact, IntermambaContacts)
PROPERTIES = (
    (
        bpy.types.Scene,
        "intermamba_contacts",
        PointerProperty(type=IntermambaContacts, description="Contacts of the two people"),
    ),
)
