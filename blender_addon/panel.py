"""The tab in the sidebar of the 3D view."""

import textwrap

import bpy

from .jobs import Job, session
from .placing import can_place, keyed_people


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
        column = layout.column()
        column.enabled = session.job is None
        column.prop(settings, "prompt", text="", placeholder="What do the two people do?")
        if session.warning and session.prompt == settings.prompt.strip():
            _draw_sentence(layout, context, session.warning, "ERROR")
        column = layout.column()
        column.enabled = session.job is None
        column.separator(factor=0.5)
        row = column.row(align=True)
        row.prop(settings, "seconds")
        row.separator(factor=0.5)
        row.prop(settings, "seed")
        row.operator("intermamba.new_seed", text="", icon="FILE_REFRESH")
        column.prop(settings, "seeds")
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
            _draw_outcome(layout, context)
        layout.separator(factor=0.5)
        column = layout.column()
        column.enabled = session.job is None and bool(keyed_people(context.scene))
        column.operator("intermamba.export", icon="EXPORT")


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.5
    row.progress(factor=job.progress, text=_progress_text(job))
    row.operator("intermamba.cancel", text="", icon="X")
    if job.ready and not can_place(context):
        _draw_sentence(layout, context, "The motion is ready: return to Object Mode to see it", "INFO")


def _progress_text(job: Job) -> str:
    if job.ready:
        return "Ready"
    if not job.total:
        return "Loading the model" if job.phase == "loading" else "Starting"
    take = f"Take {len(job.motions) + 1} of {len(job.requests)}, step" if len(job.requests) > 1 else "Step"
    left = f", {max(job.eta, 0):.0f} s left" if job.eta is not None else ""
    return f"{take} {job.step} of {job.total}{left}"


def _draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    if session.error:
        box = layout.box()
        box.alert = True
        _draw_sentence(box, context, session.error, "ERROR")
    elif session.note:
        _draw_sentence(layout, context, session.note, "CHECKMARK")


def _draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str) -> None:
    """A label, broken into as many lines as the sidebar needs."""
    column = layout.column(align=True)
    characters = int(context.region.width / (7.0 * context.preferences.system.ui_scale)) - 6
    for n, line in enumerate(textwrap.wrap(sentence, max(characters, 16))):
        column.label(text=line, icon=icon if n == 0 else "BLANK1")


CLASSES = (INTERMAMBA_PT_main,)
