"""The list of contacts, to edit and mute, below the main panel."""

from typing import ClassVar

import bpy

from .contacts import mark_contacts, pair_of, solve_again
from .layers import bake_layer, layer_track
from .reporting import Reporting, draw_outcome


class INTERMAMBA_OT_contacts_update(Reporting, bpy.types.Operator):
    """Correct both people for the contacts in this list"""

    bl_idname = "intermamba.contacts_update"
    bl_label = "Update Contacts"
    bl_options: ClassVar = {"UNDO"}

    part = "contacts"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One undo step."""
        return self.attempt(lambda: solve_again(context))


class INTERMAMBA_OT_contacts_add(bpy.types.Operator):
    """Add a contact at the playhead"""

    bl_idname = "intermamba.contacts_add"
    bl_label = "Add Contact"
    bl_options: ClassVar = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """A hand in a hand, for a third of a second."""
        listed = context.scene.intermamba_contacts
        row = listed.items.add()
        row.point = row.on = "right_hand"
        row.start, row.stop = context.scene.frame_current, context.scene.frame_current + 10
        listed.chosen = len(listed.items) - 1
        mark_contacts(context.scene)
        return {"FINISHED"}


class INTERMAMBA_OT_contacts_remove(bpy.types.Operator):
    """Remove the chosen contact"""

    bl_idname = "intermamba.contacts_remove"
    bl_label = "Remove Contact"
    bl_options: ClassVar = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with one chosen."""
        listed = context.scene.intermamba_contacts
        return 0 <= listed.chosen < len(listed.items)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The one before is chosen then."""
        listed = context.scene.intermamba_contacts
        listed.items.remove(listed.chosen)
        listed.chosen = max(listed.chosen - 1, 0)
        mark_contacts(context.scene)
        return {"FINISHED"}


class _LayerOperator(bpy.types.Operator):
    bl_options: ClassVar = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is a correction."""
        return any(layer_track(ob) for ob in pair_of(context.scene))


class INTERMAMBA_OT_layer_mute(_LayerOperator):
    """Switch the correction of both people off, or on again"""

    bl_idname = "intermamba.layer_mute"
    bl_label = "Mute Correction"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Both alike."""
        people = [ob for ob in pair_of(context.scene) if layer_track(ob)]
        mute = not all(layer_track(ob).mute for ob in people)
        for ob in people:
            layer_track(ob).mute = mute
            ob.update_tag(refresh={"TIME"})
        return {"FINISHED"}


class INTERMAMBA_OT_layer_bake(_LayerOperator):
    """Write the correction into the keys of both people's Actions, and take its track away"""

    bl_idname = "intermamba.layer_bake"
    bl_label = "Bake Correction"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """What is muted is baked too: it is the correction that counts."""
        for ob in pair_of(context.scene):
            bake_layer(ob)
            ob.update_tag(refresh={"TIME"})
        return {"FINISHED"}


class INTERMAMBA_UL_contacts(bpy.types.UIList):
    """Contacts in order of time."""

    def draw_item(self, _context, layout, _data, item, _icon, _active, _name) -> None:  # noqa: ANN001
        """What is in contact with what, and when."""
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row.label(text=f"{item.person}: {_short(item.point)} on {_short(item.on)}")
        frames = row.row()
        frames.alignment = "RIGHT"
        frames.label(text=f"{item.start}-{item.stop}")


def _short(point: str) -> str:
    """The name of a place on the body, for a narrow list."""
    return point.replace("left_", "L ").replace("right_", "R ").replace("_", " ")


class INTERMAMBA_PT_contacts(bpy.types.Panel):
    """Contacts, and the correction that keeps them."""

    bl_label = "Contacts"
    bl_idname = "INTERMAMBA_PT_contacts"
    bl_parent_id = "INTERMAMBA_PT_main"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Change nothing."""
        layout, listed = self.layout, context.scene.intermamba_contacts
        row = layout.row()
        row.template_list("INTERMAMBA_UL_contacts", "", listed, "items", listed, "chosen")
        side = row.column(align=True)
        side.operator("intermamba.contacts_add", text="", icon="ADD")
        side.operator("intermamba.contacts_remove", text="", icon="REMOVE")
        side.prop(listed, "markers", text="", icon="MARKER_HLT")
        if 0 <= listed.chosen < len(listed.items):
            column = layout.column()
            chosen = listed.items[listed.chosen]
            for name in ("person", "point", "on"):
                column.prop(chosen, name)
            row = column.row(align=True)
            row.prop(chosen, "start")
            row.prop(chosen, "stop")
            column.prop(chosen, "strength")
        layout.operator("intermamba.contacts_update", icon="FILE_REFRESH")
        draw_outcome(layout, context, "contacts")
        row = layout.row(align=True)
        muted = any((track := layer_track(ob)) and track.mute for ob in pair_of(context.scene))
        row.operator("intermamba.layer_mute", depress=muted, icon="MUTE_IPO_ON" if muted else "MUTE_IPO_OFF")
        row.operator("intermamba.layer_bake", icon="NLA_PUSHDOWN")


CLASSES = (
    INTERMAMBA_OT_contacts_update,
    INTERMAMBA_OT_contacts_add,
    INTERMAMBA_OT_contacts_remove,
    INTERMAMBA_OT_layer_mute,
    INTERMAMBA_OT_layer_bake,
    INTERMAMBA_UL_contacts,
    INTERMAMBA_PT_contacts,
)
