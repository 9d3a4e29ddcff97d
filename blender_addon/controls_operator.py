"""The operator that bakes control rigs; in a window a moment at a time, so that it shows how far it is and can stop."""

import time
from typing import ClassVar

import bpy
from bpy.props import EnumProperty

from .controls import FK, IK, Baking, control_people
from .jobs import session
from .reporting import Reporting

MOMENT, PAUSE = 0.1, 0.01  # seconds of work, and between, for the window to answer
KINDS = (
    (IK, IK, "Hands, feet, elbows and knees: what they hold stays where it is when the body is moved"),
    (FK, FK, "Every bone turns with the one above it: for swings and arcs"),
)


class INTERMAMBA_OT_bake_controls(Reporting, bpy.types.Operator):
    """Key arms and legs of Rigify and Auto-Rig Pro rigs on these controls, with a contact correction baked in"""

    bl_idname = "intermamba.bake_controls"
    bl_label = "Bake to Controls"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    part = "pair"

    kind: EnumProperty(name="Controls", description="What carries the keys of arms and legs", items=KINDS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where a control rig plays a motion."""
        return session.job is None and bool(control_people(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From a script: wait until all is keyed. One undo step."""
        return self.attempt(lambda: self._whole(Baking(context.scene, self.kind)))

    def invoke(self, context: bpy.types.Context, _: bpy.types.Event) -> set[str]:
        """From the panel: begin, and leave the rest to `modal`."""
        if "CANCELLED" in self.attempt(lambda: self._begin(context)):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(PAUSE, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Watch the rigs for a moment; Esc leaves them as they were."""
        if event.type == "ESC":
            self._leave(context)
            session.say(self.part, note="Cancelled")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        until = time.monotonic() + MOMENT
        for share in self._watching:
            if time.monotonic() > until:
                context.workspace.status_text_set(f"Reading the rigs: {share:.0%} (Esc: cancel)")
                return {"RUNNING_MODAL"}
        self._leave(context)
        return self.attempt(self._baking.finish)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends it, to open another file or to quit."""
        self._leave(context)

    def _begin(self, context: bpy.types.Context) -> str:
        self._baking = Baking(context.scene, self.kind)
        self._watching = self._baking.watch()
        return "Reading the rigs"

    def _whole(self, baking: Baking) -> str:
        for _ in baking.watch():
            pass
        return baking.finish()

    def _leave(self, context: bpy.types.Context) -> None:
        self._watching.close()
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)


CLASSES = (INTERMAMBA_OT_bake_controls,)
