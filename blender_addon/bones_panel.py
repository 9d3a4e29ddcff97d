"""The bone maps of the picked armatures, shown for correction, below the main panel."""

from typing import ClassVar

import bpy

from intermamba.errors import RetargetError
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget import guess_bones

from .bone_map import bone_map_of, save_preset
from .reporting import Reporting, draw_outcome
from .rigs import read_rig


def _shown(context: bpy.types.Context) -> bpy.types.Object | None:
    settings = context.scene.intermamba
    return settings.person_a if context.scene.intermamba_bone_maps.person == "A" else settings.person_b


class _BonesOperator(Reporting, bpy.types.Operator):
    part = "bones"
    bl_options: ClassVar = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with an armature picked."""
        return _shown(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, or say why not."""
        return self.attempt(lambda: self.change(context, _shown(context)))


class INTERMAMBA_OT_bones_edit(_BonesOperator):
    """Show the bones that were found for correction; those that are missing stay empty"""

    bl_idname = "intermamba.bones_edit"
    bl_label = "Show Bones"

    def change(self, _: bpy.types.Context, ob: bpy.types.Object) -> str:
        """Fill the list."""
        rig = read_rig(ob)
        try:
            found, title = (chosen := bone_map_of(ob, rig)).bones, chosen.title
        except RetargetError:
            found, title = guess_bones(rig), "incomplete"
        joints = ob.intermamba_joints
        joints.clear()
        for joint in JOINT_NAMES:
            row = joints.add()
            row.name, row.bone = joint, found.get(joint, "")
        return f"Bone map: {title}"


class INTERMAMBA_OT_bones_reset(_BonesOperator):
    """Forget the corrections: use the bones that are recognised"""

    bl_idname = "intermamba.bones_reset"
    bl_label = "Recognise"

    def change(self, _: bpy.types.Context, ob: bpy.types.Object) -> str:
        """Empty the list."""
        ob.intermamba_joints.clear()
        return f"Bone map: {bone_map_of(ob).title}"


class INTERMAMBA_OT_bones_save(_BonesOperator):
    """Save this bone map as a preset of your own, for all rigs with these bones"""

    bl_idname = "intermamba.bones_save"
    bl_label = "Save Preset"

    def change(self, context: bpy.types.Context, ob: bpy.types.Object) -> str:
        """Write the file of presets."""
        name = context.scene.intermamba_bone_maps.preset
        save_preset(name, bone_map_of(ob).bones)
        return f"Saved: {name}"


class INTERMAMBA_OT_bones_forget(_BonesOperator):
    """Remove your own preset of this name"""

    bl_idname = "intermamba.bones_forget"
    bl_label = "Remove Preset"

    def change(self, context: bpy.types.Context, _: bpy.types.Object) -> str:
        """Write the file of presets."""
        name = context.scene.intermamba_bone_maps.preset
        save_preset(name, {})
        return f"Removed: {name}"


class INTERMAMBA_UL_bones(bpy.types.UIList):
    """Joints and their bones."""

    def draw_item(self, context, layout, _data, item, _icon, _active, _name) -> None:  # noqa: ANN001
        """Joint on the left, bone on the right."""
        split = layout.split(factor=0.4)
        split.label(text=item.name.replace("L_", "left ").replace("R_", "right "))
        split.prop_search(item, "bone", _shown(context).data, "bones", text="")


class INTERMAMBA_PT_bones(bpy.types.Panel):
    """Bones of the picked armatures."""

    bl_label = "Bones"
    bl_idname = "INTERMAMBA_PT_bones"
    bl_parent_id = "INTERMAMBA_PT_main"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Change nothing."""
        layout, maps, ob = self.layout, context.scene.intermamba_bone_maps, _shown(context)
        layout.row().prop(maps, "person", expand=True)
        if ob is None:
            layout.label(text="A mannequin needs no bone map", icon="INFO")
            return
        row = layout.row(align=True)
        row.operator("intermamba.bones_edit", icon="ARMATURE_DATA")
        row.operator("intermamba.bones_reset", icon="FILE_REFRESH")
        draw_outcome(layout, context, "bones")
        if ob.intermamba_joints:
            layout.template_list("INTERMAMBA_UL_bones", "", ob, "intermamba_joints", ob, "intermamba_joint")
            row = layout.row(align=True)
            row.prop(maps, "preset", text="", placeholder="Name of a preset")
            row.operator("intermamba.bones_save", text="", icon="ADD")
            row.operator("intermamba.bones_forget", text="", icon="REMOVE")


CLASSES = (
    INTERMAMBA_OT_bones_edit,
    INTERMAMBA_OT_bones_reset,
    INTERMAMBA_OT_bones_save,
    INTERMAMBA_OT_bones_forget,
    INTERMAMBA_UL_bones,
    INTERMAMBA_PT_bones,
)
