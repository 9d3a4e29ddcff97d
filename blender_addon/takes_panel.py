"""The list of takes, and the tools for the pair, below the main panel."""

from typing import ClassVar

import bpy

from .controls import FK, IK, control_people
from .placing import keyed_people
from .reporting import draw_outcome


class INTERMAMBA_UL_takes(bpy.types.UIList):
    """Prompts and seeds, with a star for those to keep."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        take: bpy.types.PropertyGroup,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """One take."""
        row = layout.row(align=True)
        row.label(text=take.prompt, icon="ARROW_LEFTRIGHT" if take.swapped or take.mirrored else "ACTION")
        side = row.row(align=True)
        side.alignment = "RIGHT"
        side.label(text=f"{take.seed}, {take.seconds:.1f} s")
        side.prop(take, "star", text="", icon="SOLO_ON" if take.star else "SOLO_OFF", emboss=False)


class _Below(bpy.types.Panel):
    """A part of the InterMamba tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "InterMamba"
    bl_parent_id = "INTERMAMBA_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there is something to show."""
        return bool(context.scene.intermamba.takes)


class INTERMAMBA_PT_takes(_Below):
    """The takes that the file keeps."""

    bl_label = "Takes"
    bl_idname = "INTERMAMBA_PT_takes"

    def draw(self, context: bpy.types.Context) -> None:
        """The list and what can be done with the chosen one."""
        settings = context.scene.intermamba
        self.layout.template_list("INTERMAMBA_UL_takes", "", settings, "takes", settings, "take", rows=3)
        self.layout.template_icon_view(context.scene, "intermamba_take", show_labels=True, scale=7.0)
        row = self.layout.row(align=True)
        row.operator("intermamba.apply_take", icon="PLAY")
        row.operator("intermamba.keep_starred", icon="SOLO_ON")
        row.operator("intermamba.delete_take", text="", icon="TRASH")
        draw_outcome(self.layout, context, "takes")


class INTERMAMBA_PT_pair(_Below):
    """The two as one unit."""

    bl_label = "Pair"
    bl_idname = "INTERMAMBA_PT_pair"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Roles, mirror, distance; and the place."""
        column = self.layout.column(align=True)
        column.enabled = bool(keyed_people(context.scene))
        row = column.row(align=True)
        row.operator("intermamba.swap_roles", icon="ARROW_LEFTRIGHT")
        row.operator("intermamba.mirror_pair", text="Mirror", icon="MOD_MIRROR")
        column.operator("intermamba.pair_distance", text="Distance", icon="DRIVER_DISTANCE")
        column.separator()
        row = column.row(align=True)
        row.operator("intermamba.place_pair", text="To Cursor", icon="PIVOT_CURSOR").where = "CURSOR"
        row.operator("intermamba.place_pair", text="Between Empties", icon="EMPTY_AXIS").where = "EMPTIES"
        column.operator(
            "intermamba.place_pair", text="Turn", icon="DRIVER_ROTATIONAL_DIFFERENCE"
        ).where = "HERE"
        column.separator()
        row = column.row(align=True)
        row.operator("intermamba.reduce_keys", icon="IPO_EASE_IN_OUT")
        row.operator("intermamba.push_down", icon="NLA_PUSHDOWN")
        if control_people(context.scene):
            row = column.row(align=True)
            row.operator("intermamba.bake_controls", text="Bake to IK", icon="CON_KINEMATIC").kind = IK
            row.operator("intermamba.bake_controls", text="Bake to FK", icon="BONE_DATA").kind = FK
        draw_outcome(self.layout, context, "pair")


CLASSES = (INTERMAMBA_UL_takes, INTERMAMBA_PT_takes, INTERMAMBA_PT_pair)
