"""What the panel asks for, kept with each scene."""

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

from .suggestions import known_prompts, matching

FPS = 30  # of the model; a scene's own rate is used for the keys
MOST_TAKES = 16  # at a time
QUALITIES = (
    ("DRAFT", "Draft", "10 sampling steps: the quickest, to look for a good seed"),
    ("STANDARD", "Standard", "As many sampling steps as the model was tuned for"),
    ("FINE", "Fine", "50 sampling steps: the slowest, for smoother detail"),
)
STEPS = {"DRAFT": 10, "STANDARD": None, "FINE": 50}
ENGINES = (
    ("AUTO", "Model", "Sample the motion with the model"),
    ("FAKE", "Made up", "Answer with made-up motion, for tests of everything around the model"),
)


def _suggest(settings: "IntermambaSettings", _: bpy.types.Context, typed: str) -> list[tuple[str, str]]:
    """What the model knows that fits what is typed; all of it while the prompt is as it was."""
    return matching("" if typed == settings.prompt else typed)


def _suit_length(settings: "IntermambaSettings", _: bpy.types.Context) -> None:
    """A suggested prompt brings its length."""
    entry = known_prompts().get(settings.prompt)
    if entry:
        settings.seconds = entry.seconds


def _is_armature(_: object, ob: bpy.types.Object) -> bool:
    return ob.type == "ARMATURE"


def _armature_property(person: str) -> object:
    return PointerProperty(
        name=f"Person {person}",
        description=f"Armature that person {person} is keyed on. Leave empty to get a mannequin",
        type=bpy.types.Object,
        poll=_is_armature,
    )


class IntermambaTake(bpy.types.PropertyGroup):
    """One generated motion, kept in the file, and what was done to it as a whole."""

    prompt: StringProperty(name="Prompt", description="What was asked for")
    seed: IntProperty(name="Seed", description="The seed that it was made with")
    seconds: FloatProperty(name="Seconds", description="Its length")
    star: BoolProperty(name="Star", description="Keep this take when the others are deleted")
    swapped: BoolProperty(name="Swapped", description="Whether A plays the part of B, and B that of A")
    mirrored: BoolProperty(name="Mirrored", description="Whether left and right are exchanged")
    distance: FloatProperty(
        name="Distance",
        description="Metres by which the two stand farther apart than generated",
        unit="LENGTH",
    )
    key: StringProperty(name="Key", description="Tells this motion from all others", options={"HIDDEN"})
    data: StringProperty(name="Data", description="The motion, packed", options={"HIDDEN"})


class IntermambaSettings(bpy.types.PropertyGroup):
    """Settings of the next motion."""

    prompt: StringProperty(
        name="Prompt",
        description="What the two people do together, in English. A suggestion also sets the seconds that suit it",
        default="Two people dance salsa",
        maxlen=500,
        search=_suggest,
        search_options={"SUGGESTION"},
        update=_suit_length,
    )
    seconds: FloatProperty(
        name="Seconds",
        description="Length of the motion",
        default=7.0,
        min=1.0,
        max=10.0,
        step=50,
        precision=1,
    )
    seed: IntProperty(
        name="Seed",
        description="The same prompt, length and seed always give the same motion; another seed gives another take",
        default=0,
        min=0,
    )
    seeds: IntProperty(
        name="Takes",
        description="How many takes to generate at a time, with seeds that follow this one",
        default=1,
        min=1,
        max=MOST_TAKES,
    )
    quality: EnumProperty(
        name="Quality",
        description="How much work goes into a take. The same seed gives a similar motion in each quality",
        items=QUALITIES,
        default="STANDARD",
    )
    takes: CollectionProperty(
        name="Takes", description="Motions that were generated in this scene", type=IntermambaTake
    )
    take: IntProperty(name="Take", description="The chosen take")
    person_a: _armature_property("A")
    person_b: _armature_property("B")
    engine: EnumProperty(items=ENGINES, description="What answers", options={"HIDDEN"})

    @property
    def frames(self) -> int:
        """Length in frames of the model."""
        return round(self.seconds * FPS)


CLASSES = (IntermambaTake, IntermambaSettings)
PROPERTIES = (
    (
        bpy.types.Scene,
        "intermamba",
        PointerProperty(type=IntermambaSettings, description="The next motion, and the takes so far"),
    ),
)
