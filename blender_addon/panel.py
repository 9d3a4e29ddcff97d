"""The tab in the sidebar of the 3D view."""

import bpy

from .jobs import SILENCE, Job, session
from .placing import can_place, keyed_people
from .reporting import draw_outcome, draw_sentence
from .rigs import people_of


class INTERMAMBA_PT_main(bpy.types.Panel):
    """Prompt, Generate, and what came of it."""

    bl_label = "InterMamba"
    bl_idname = "INTERMAMBA_PT_main"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "InterMamba"

    def draw(self, context: bpy.types.Context) -> None:
        """Read settings and session; change nothing."""
        layout, settings = self.layout, context.scene.intermamba
        if session.job is None and not any(people_of(context.scene)):
            box = layout.box()
            draw_sentence(box, context, "Add two characters, or pick two armatures of yours below", "INFO")
            box.operator("intermamba.add_characters", icon="OUTLINER_OB_ARMATURE")
        column = layout.column()
        column.enabled = session.job is None
        column.prop(settings, "prompt", text="", placeholder="What do the two people do?")
        if session.warning and session.prompt == settings.prompt.strip():
            draw_sentence(layout, context, session.warning, "ERROR")
        column = layout.column()
        column.enabled = session.job is None
        column.separator(factor=0.5)
        row = column.row(align=True)
        row.prop(settings, "seconds")
        row.separator(factor=0.5)
        row.prop(settings, "seed")
        row.operator("intermamba.new_seed", text="", icon="FILE_REFRESH")
        column.prop(settings, "seeds")
        column.row(align=True).prop(settings, "quality", expand=True)
        column.separator(factor=0.5)
        people = column.column(align=True)
        people.prop(settings, "person_a", text="A", placeholder="Mannequin", icon="ARMATURE_DATA")
        people.prop(settings, "person_b", text="B", placeholder="Mannequin", icon="ARMATURE_DATA")
        layout.separator(factor=0.5)
        if session.job:
            _draw_job(layout, context, session.job)
        else:
            button = layout.column()
            button.scale_y = 1.5
            button.operator("intermamba.generate", icon="PLAY")
            draw_outcome(layout, context, "generate")
        layout.separator(factor=0.5)
        column = layout.column()
        column.enabled = session.job is None and bool(keyed_people(context.scene))
        column.operator("intermamba.export", icon="EXPORT")
        draw_outcome(layout, context, "export")


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.5
    row.progress(factor=job.progress, text=progress_text(job))
    row.operator("intermamba.cancel", text="", icon="X")
    if session.silent:
        text = f"Nothing was heard from the worker for {SILENCE:.0f} s: wait if it loads a large model, or cancel"
        draw_sentence(layout, context, text, "ERROR")
    if job.ready and not can_place(context):
        draw_sentence(layout, context, "The motion is ready: return to Object Mode to see it", "INFO")


def progress_text(job: Job) -> str:
    """How far a job is, and the time left of all its takes."""
    if job.ready:
        return "Ready"
    if not job.total:
        return "Loading the model" if job.phase == "loading" else "Starting"
    take = f"Take {len(job.motions) + 1} of {len(job.requests)}, step" if len(job.requests) > 1 else "Step"
    return f"{take} {job.step} of {job.total}{_left_text(job.left)}"


def _left_text(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", {seconds:.0f} s left" if seconds < 100 else f", {seconds / 60:.0f} min left"


CLASSES = (INTERMAMBA_PT_main,)
