"""The operator that exports, with its presets in the file dialog."""

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .export import SUFFIXES, export_people
from .export_presets import FORMATS, OPTIONS, ORIGINS, PRESETS, ROOTS, Options
from .placing import keyed_people, playing
from .reporting import Reporting
from .takes import export_takes

_CHOICES = ("formats", "root", "origin", "sync_bone", "deform_only", "centimetres")


def _take_preset(operator: "INTERMAMBA_OT_export", _: bpy.types.Context) -> None:
    for name in _CHOICES:
        value = getattr(OPTIONS[operator.preset], name)
        setattr(operator, name, set(value) if name == "formats" else value)


class INTERMAMBA_OT_export(Reporting, bpy.types.Operator):
    """Write the motion for an engine: files of each person or of both, and one that tells how they line up"""

    bl_idname = "intermamba.export"
    bl_label = "Export for Engines"
    part = "export"

    filepath: StringProperty(
        subtype="FILE_PATH", description="NAME gives NAME_A.fbx, NAME_B.fbx, NAME.glb, NAME.json and so on"
    )
    preset: EnumProperty(
        name="Engine", description="Sets all that follows", items=PRESETS, update=_take_preset
    )
    formats: EnumProperty(
        name="Files", description="Kinds of files to write", items=FORMATS, options={"ENUM_FLAG"}
    )
    root: EnumProperty(name="Root Motion", description="Who carries the travel", items=ROOTS)
    origin: EnumProperty(name="Origin", description="Where each clip starts", items=ORIGINS)
    sync_bone: BoolProperty(
        name="Sync Bone", description="Add a bone that shows where the partner's root is, in every frame"
    )
    deform_only: BoolProperty(name="Deform Only", description="Leave out control bones, which deform nothing")
    centimetres: BoolProperty(name="Centimetres", description="FBX files in centimetres instead of metres")
    all_takes: BoolProperty(
        name="All Takes", description="Export every take in the list, in files named after it"
    )
    filter_glob: StringProperty(
        default=";".join(f"*{suffix}" for suffix in SUFFIXES),
        description="Files that are shown",
        options={"HIDDEN"},
    )

    bl_options: ClassVar = {"PRESET"}

    def invoke(self, context: bpy.types.Context, _: bpy.types.Event) -> set[str]:
        """Ask where and how."""
        _take_preset(self, context)
        if not self.filepath:
            people = keyed_people(context.scene)
            self.filepath = playing(people[0][1]).action.name[: -len("_A")] if people else "duet"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _: bpy.types.Context) -> None:
        """The choices, beside the files."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "preset")
        layout.separator()
        layout.column().prop(self, "formats")
        for name in (*_CHOICES[1:], "all_takes"):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the files; the scene stays as it is."""
        return self.attempt(lambda: self._export(context))

    def _export(self, context: bpy.types.Context) -> str:
        export = export_takes if self.all_takes else export_people
        written = export(context, bpy.path.abspath(self.filepath), self._options())
        return f"{len(written)} files written"

    def _options(self) -> Options:
        """The preset's, but for what was set besides."""
        chosen = {name: getattr(self, name) for name in _CHOICES if self.properties.is_property_set(name)}
        if "formats" in chosen:
            chosen["formats"] = frozenset(chosen["formats"])
        return Options(**{**vars(OPTIONS[self.preset]), **chosen})


CLASSES = (INTERMAMBA_OT_export,)
