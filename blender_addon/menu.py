"""The InterMamba menu under Object and Pose: F3 finds what is in a menu, and all else with developer extras alone."""

import bpy

from .controls_operator import KINDS
from .pair_tools import PLACES

PLACES_IN = ("VIEW3D_MT_object", "VIEW3D_MT_pose")


class INTERMAMBA_MT_main(bpy.types.Menu):
    """All that can be done, by name"""

    bl_label = "InterMamba"
    bl_idname = "INTERMAMBA_MT_main"

    def draw(self, _: bpy.types.Context) -> None:
        """The panel's operators, in its order; what needs a row or a field of the panel is left to it."""
        layout = self.layout
        for name in ("add_characters", "generate", "cancel", "export"):
            layout.operator(f"intermamba.{name}")
        layout.separator()
        for name in ("apply_take", "keep_starred", "delete_take"):
            layout.operator(f"intermamba.{name}")
        layout.separator()
        for name in ("swap_roles", "mirror_pair", "pair_distance"):
            layout.operator(f"intermamba.{name}")
        for place, label, _ in PLACES[:2]:
            layout.operator("intermamba.place_pair", text=f"Place Pair: {label}").where = place
        layout.operator("intermamba.place_pair", text="Turn Pair").where = "HERE"
        layout.separator()
        for name in ("reduce_keys", "push_down"):
            layout.operator(f"intermamba.{name}")
        for kind, label, _ in KINDS:
            layout.operator("intermamba.bake_controls", text=f"Bake to {label} Controls").kind = kind
        layout.separator()
        for name in ("contacts_update", "contacts_add", "contacts_remove", "layer_mute", "layer_bake"):
            layout.operator(f"intermamba.{name}")
        layout.separator()
        for name in ("import_model", "copy_report"):
            layout.operator(f"intermamba.{name}")


def draw_entry(self: bpy.types.Menu, _: bpy.types.Context) -> None:
    """The submenu, at the end of another menu."""
    self.layout.separator()
    self.layout.menu(INTERMAMBA_MT_main.bl_idname)


def add() -> None:
    """Put the menu into Blender's own."""
    for name in PLACES_IN:
        getattr(bpy.types, name).append(draw_entry)


def remove() -> None:
    """Take it out again."""
    for name in PLACES_IN:
        getattr(bpy.types, name).remove(draw_entry)


CLASSES = (INTERMAMBA_MT_main,)
