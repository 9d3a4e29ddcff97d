"""Generate, cancel, and the undoable step that puts a motion on the armatures."""

import random
from typing import ClassVar

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from intermamba.errors import IntermambaError

from .jobs import GENERATE, Job, Request, Target, session, takes_of
from .placing import add_characters, check_people
from .properties import ENGINES, FPS, MOST_TAKES, STEPS
from .reporting import Reporting
from .rigs import people_of
from .takes import place_takes


class INTERMAMBA_OT_generate(Reporting, bpy.types.Operator):
    """Generate the two people's motion and key it on their armatures, from the playhead on"""

    bl_idname = "intermamba.generate"
    bl_label = "Generate"
    bl_options: ClassVar = {"UNDO"}
    part = GENERATE

    prompt: StringProperty(
        name="Prompt", description="What the two people do together; the panel's by default"
    )
    frames: IntProperty(name="Frames", description=f"Length at {FPS} frames a second; the panel's by default")
    seconds: FloatProperty(name="Seconds", description="Length, where frames are not given")
    seed: IntProperty(name="Seed", description="The panel's by default")
    takes: IntProperty(
        name="Takes",
        description="How many seeds, from this one on; 0 means the panel's number",
        min=0,
        max=MOST_TAKES,
    )
    steps: IntProperty(
        name="Steps",
        description="Sampling steps; 0 means the model's own number, the panel's quality by default",
    )
    guidance: FloatProperty(
        name="Guidance", description="How closely to follow the prompt; 0 means the model's own"
    )
    engine: EnumProperty(items=ENGINES, description="What answers", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _: bpy.types.Event) -> set[str]:
        """From the panel: start and return at once; a timer does the rest."""
        self.attempt(lambda: self._start(context), "WARNING")  # no pop-up: the panel is in sight
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From a script: wait until the armatures are keyed."""
        return self.attempt(lambda: self._run(context))

    def _start(self, context: bpy.types.Context) -> str:
        target = Target.of(context)
        check_people(target.armatures())
        session.start(self._request(context), target, self._engine(context), self._takes(context))
        return "Generating"

    def _run(self, context: bpy.types.Context) -> str:
        target = Target.of(context)
        check_people(target.armatures())
        requests = takes_of(self._request(context), self._takes(context))
        motions = [session.run(request, self._engine(context)) for request in requests]
        if session.warning:
            self.report({"WARNING"}, session.warning)
        return place_takes(context, motions, target.armatures(), target.start)

    def _request(self, context: bpy.types.Context) -> Request:
        given, settings = self.properties.is_property_set, context.scene.intermamba
        frames = settings.frames
        if given("frames"):
            frames = self.frames
        elif given("seconds"):
            frames = round(self.seconds * FPS)
        prompt = (self.prompt if given("prompt") else settings.prompt).strip()
        if not prompt:
            raise IntermambaError("The prompt is empty: say what the two people do.")
        return Request(
            prompt=prompt,
            frames=frames,
            seed=self.seed if given("seed") else settings.seed,
            steps=(self.steps or None) if given("steps") else STEPS[settings.quality],
            guidance=self.guidance if given("guidance") and self.guidance else None,
        )

    def _takes(self, context: bpy.types.Context) -> int:
        return self.takes or context.scene.intermamba.seeds

    def _engine(self, context: bpy.types.Context) -> str:
        given = self.properties.is_property_set("engine")
        return self.engine if given else context.scene.intermamba.engine


class INTERMAMBA_OT_place(Reporting, bpy.types.Operator):
    """Put the motion that was generated in the background on the armatures"""

    bl_idname = "intermamba.place"
    bl_label = "Generate Motion"
    bl_options: ClassVar = {"UNDO", "INTERNAL"}
    part = GENERATE

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Key both people: one undo step."""
        return self.attempt(lambda: self._place(context, session.take()))

    def _place(self, context: bpy.types.Context, job: Job) -> str:
        return place_takes(context, job.motions, job.target.armatures(), job.target.start)


class INTERMAMBA_OT_add_characters(Reporting, bpy.types.Operator):
    """Add two mannequins at the 3D cursor, facing each other, for the motion to come"""

    bl_idname = "intermamba.add_characters"
    bl_label = "Add Two Characters"
    bl_options: ClassVar = {"UNDO"}
    part = GENERATE

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where somebody is missing."""
        return session.job is None and None in people_of(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One undo step."""
        return self.attempt(lambda: add_characters(context))


class INTERMAMBA_OT_cancel(bpy.types.Operator):
    """Stop generating; nothing in the scene changes"""

    bl_idname = "intermamba.cancel"
    bl_label = "Cancel Generating"

    @classmethod
    def poll(cls, _: bpy.types.Context) -> bool:
        """Only while a job runs."""
        return session.job is not None

    def execute(self, _: bpy.types.Context) -> set[str]:
        """Give up the job."""
        session.cancel()
        return {"FINISHED"}


class INTERMAMBA_OT_new_seed(bpy.types.Operator):
    """Draw another seed: another take of the same prompt"""

    bl_idname = "intermamba.new_seed"
    bl_label = "New Seed"
    bl_options: ClassVar = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change the panel's seed."""
        context.scene.intermamba.seed = random.randrange(10_000)
        return {"FINISHED"}


CLASSES = (
    INTERMAMBA_OT_generate,
    INTERMAMBA_OT_place,
    INTERMAMBA_OT_add_characters,
    INTERMAMBA_OT_cancel,
    INTERMAMBA_OT_new_seed,
)
