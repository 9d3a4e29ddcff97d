"""Which bone is which joint: recognised, shown for correction, and kept as presets of the user's own."""

import json
from pathlib import Path
from typing import ClassVar

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from intermamba.errors import IntermambaError, RetargetError
from intermamba.files import atomic_write
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget import BoneMap, Rig, check_map, guess_bones, recognise

from . import actions
from .rigs import PEOPLE, read_rig

_PRESETS = "bone_maps.json"


class IntermambaBone(bpy.types.PropertyGroup):
    """One joint of the body, by `name`, and the bone that stands for it."""

    bone: StringProperty(name="Bone", description="The rig's bone for this joint; empty if it has none")


class IntermambaBones(bpy.types.PropertyGroup):
    """An armature's bone map, as corrected by hand; empty while the recognised one is used."""

    joints: CollectionProperty(
        type=IntermambaBone, name="Joints", description="The bone of each joint of the body"
    )
    chosen: IntProperty(name="Joint", description="The chosen joint")


class IntermambaBoneMaps(bpy.types.PropertyGroup):
    """What the panel of bones shows."""

    person: EnumProperty(
        items=[(person, person, f"The armature of person {person}") for person in PEOPLE],
        name="Person",
        description="Whose bones are shown",
    )
    preset: StringProperty(name="Preset", description="Name under which this bone map is saved")


def bone_map_of(ob: bpy.types.Object, rig: Rig | None = None) -> BoneMap:
    """The map made by hand, else the user's preset that fits, else the recognised one.

    Raises RetargetError, naming the joints, when bones are missing.
    """
    rig = rig or read_rig(ob)
    by_hand = {joint.name: joint.bone for joint in ob.intermamba_bones.joints if joint.bone}
    if by_hand:
        return _made_by_hand(rig, "by hand", by_hand)
    for name, bones in load_presets().items():
        if set(bones.values()) <= set(rig.names):
            return _made_by_hand(rig, name, bones)
    return recognise(rig)


def _made_by_hand(rig: Rig, title: str, bones: dict[str, str]) -> BoneMap:
    check_map(rig, bones)
    try:
        found = recognise(rig)
    except RetargetError:
        return BoneMap(title, bones)
    same = sum(found.bones.get(joint) == bone for joint, bone in bones.items())
    return BoneMap(title, bones, found.switches if same > len(bones) / 2 else ())


def key_switches(
    ob: bpy.types.Object, action: bpy.types.Action, switches: tuple[tuple[str, str, float], ...], frame: int
) -> None:
    """Key in an Action of ours what makes a control rig follow the bones that are keyed, such as IK_FK."""
    channels, _ = actions.channels_of(action, ob)
    for bone, name, value in switches:
        if name in ob.pose.bones[bone]:
            path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]["{bpy.utils.escape_identifier(name)}"]'
            curve = channels.fcurves.new(path)
            curve.keyframe_points.insert(frame, value)
    actions.seal(action)


def load_presets() -> dict[str, dict[str, str]]:
    """The user's bone maps by name; those that cannot be read are none."""
    try:
        read = json.loads(_presets_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        str(name): {joint: str(bone) for joint, bone in bones.items() if joint in JOINT_NAMES}
        for name, bones in (read.items() if isinstance(read, dict) else ())
        if isinstance(bones, dict)
    }


def save_preset(name: str, bones: dict[str, str]) -> None:
    """Keep a bone map for all files; one of the same name is replaced, without bones it is removed."""
    if not name.strip():
        raise IntermambaError("The preset has no name: type one first.")
    presets = load_presets() | {name.strip(): bones}
    presets = {name: bones for name, bones in presets.items() if bones}
    with atomic_write(_presets_file()) as temporary:
        temporary.write_text(json.dumps(presets, indent=1), encoding="utf-8")


def _presets_file() -> Path:
    return Path(bpy.utils.user_resource("CONFIG", path="intermamba", create=True)) / _PRESETS


def _shown(context: bpy.types.Context) -> bpy.types.Object | None:
    settings = context.scene.intermamba
    return settings.person_a if context.scene.intermamba_bone_maps.person == "A" else settings.person_b


class _BonesOperator(bpy.types.Operator):
    bl_options: ClassVar = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with an armature picked."""
        return _shown(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, or say why not."""
        try:
            self.report({"INFO"}, self.change(context, _shown(context)))
        except IntermambaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


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
        joints = ob.intermamba_bones.joints
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
        ob.intermamba_bones.joints.clear()
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
        if ob.intermamba_bones.joints:
            layout.template_list(
                "INTERMAMBA_UL_bones", "", ob.intermamba_bones, "joints", ob.intermamba_bones, "chosen"
            )
            row = layout.row(align=True)
            row.prop(maps, "preset", text="", placeholder="Name of a preset")
            row.operator("intermamba.bones_save", text="", icon="ADD")
            row.operator("intermamba.bones_forget", text="", icon="REMOVE")


CLASSES = (
    IntermambaBone,
    IntermambaBones,
    IntermambaBoneMaps,
    INTERMAMBA_OT_bones_edit,
    INTERMAMBA_OT_bones_reset,
    INTERMAMBA_OT_bones_save,
    INTERMAMBA_OT_bones_forget,
    INTERMAMBA_UL_bones,
    INTERMAMBA_PT_bones,
)
PROPERTIES = (
    (bpy.types.Object, "intermamba_bones", PointerProperty(type=IntermambaBones)),
    (bpy.types.Scene, "intermamba_bone_maps", PointerProperty(type=IntermambaBoneMaps)),
)
