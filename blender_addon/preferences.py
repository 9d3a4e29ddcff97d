"""The preferences of the extension, and what their buttons do."""

import textwrap
from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from intermamba.bundles.install import install_bundle
from intermamba.errors import IntermambaError

from .engines import (
    IDLE_MINUTES,
    KINDS,
    gpu_python,
    installed_models,
    models_folder,
    preferences,
    setup_command,
)
from .jobs import session
from .report import report_text

LOG_LINES = 12
COLUMNS = 90  # characters in a line of a preferences window as Blender opens it
_BUNDLED = ("(bundled)", "Bundled", "The model that comes with the extension", 0)
_shown: list[tuple[str, str, str, int]] = []  # Blender does not keep the texts of a callback's items alive


def _model_names(settings: "IntermambaPreferences") -> list[str]:
    """What the dropdown offers beside the bundled model: also the chosen one when its folder is gone."""
    names = installed_models()
    return names if settings.model in ("", *names) else [*names, settings.model]


def _model_items(settings: "IntermambaPreferences", _: bpy.types.Context) -> list[tuple[str, str, str, int]]:
    names = enumerate(_model_names(settings), 1)
    _shown[:] = [_BUNDLED, *((name, name, "A model in the models folder", n) for n, name in names)]
    return _shown


def _get_model(settings: "IntermambaPreferences") -> int:
    return ["", *_model_names(settings)].index(settings.model)


def _set_model(settings: "IntermambaPreferences", number: int) -> None:
    settings.model = ["", *_model_names(settings)][number]


class IntermambaPreferences(bpy.types.AddonPreferences):
    """Preferences of the extension."""

    bl_idname = __package__

    engine: EnumProperty(items=KINDS, name="Engine", description="What samples the motion")
    python: StringProperty(
        name="Python",
        description="Python program of an environment with torch. Leave empty to use the one that setup-gpu made",
        subtype="FILE_PATH",
    )
    command: StringProperty(
        name="Command",
        description=(
            "Program that samples the motion and talks over its stdin and stdout, "
            "for example: ssh gpu-box intermamba worker --model my-model"
        ),
    )
    models: StringProperty(
        name="Models Folder",
        description="Folder whose folders are model bundles. Leave empty to use one of the extension's own",
        subtype="DIR_PATH",
    )
    model: StringProperty(name="Model Name", description="Name of the chosen model", options={"HIDDEN"})
    chosen_model: EnumProperty(
        items=_model_items,
        name="Model",
        description="The model that makes the motions",
        get=_get_model,
        set=_set_model,
    )
    idle: IntProperty(
        name="Idle Minutes",
        description="Minutes without work after which the worker is closed, to free its memory",
        default=IDLE_MINUTES,
        min=1,
        max=24 * 60,
    )
    show_log: BoolProperty(
        name="Log", description="Show the last lines that the worker wrote, and the last error"
    )

    def draw(self, _: bpy.types.Context) -> None:
        """Show what the chosen engine needs."""
        self.draw_on(self.layout)

    def draw_on(self, layout: bpy.types.UILayout) -> None:
        """The same on any layout."""
        column = layout.column()
        column.use_property_split = True
        column.prop(self, "engine")
        if self.engine == "GPU":
            column.prop(self, "python", placeholder=gpu_python())
            _draw_setup(column.box().column(align=True))
        if self.engine == "COMMAND":
            column.prop(self, "command", placeholder="ssh gpu-box intermamba worker")
        else:
            self._draw_models(column)
        column.prop(self, "idle")
        self._draw_log(layout)

    def _draw_models(self, column: bpy.types.UILayout) -> None:
        row = column.row(align=True)
        row.prop(self, "chosen_model")
        row.operator("intermamba.import_model", text="", icon="IMPORT")
        if INTERMAMBA_OT_import_model.problem:
            alert = column.column()
            alert.alert = True
            alert.label(text=INTERMAMBA_OT_import_model.problem, icon="ERROR")
        column.prop(self, "models", placeholder=str(models_folder()))

    def _draw_log(self, layout: bpy.types.UILayout) -> None:
        row = layout.row()
        toggle = row.row()
        toggle.alignment = "LEFT"
        toggle.prop(self, "show_log", icon="TRIA_DOWN" if self.show_log else "TRIA_RIGHT", emboss=False)
        row.operator("intermamba.copy_report", icon="COPYDOWN")
        if self.show_log:
            lines = [*session.log().splitlines()[-LOG_LINES:], *filter(None, [session.error])]
            box = layout.box().column(align=True)
            for line in lines or ["Nothing yet"]:
                box.label(text=line)


def _draw_setup(column: bpy.types.UILayout) -> None:
    """The command that makes a GPU environment, in full."""
    try:
        command = setup_command()
    except IntermambaError as error:
        column.label(text=str(error), icon="ERROR")
        return
    column.label(text="To make one, type into a terminal (it tells what it will do, and asks):")
    for line in textwrap.wrap(command, COLUMNS, break_on_hyphens=False):
        column.label(text=line)
    column.operator("intermamba.copy_setup_command", icon="COPYDOWN")


class INTERMAMBA_OT_import_model(bpy.types.Operator, ImportHelper):
    """Import a model from a zip: it is checked, put into the models folder and chosen"""

    bl_idname = "intermamba.import_model"
    bl_label = "Import Model"

    filename_ext = ".zip"
    filter_glob: StringProperty(default="*.zip", description="Which files are shown", options={"HIDDEN"})
    problem: ClassVar[str] = ""
    """What went wrong the last time, for the preferences to show."""

    def execute(self, _: bpy.types.Context) -> set[str]:
        """Install the zip, or say why not."""
        kind = INTERMAMBA_OT_import_model
        try:
            folder = install_bundle(self.filepath, models_folder())
        except IntermambaError as error:
            kind.problem = str(error)
            self.report({"ERROR"}, kind.problem)
            return {"CANCELLED"}
        kind.problem = ""
        settings = preferences()
        if settings:
            settings.model = folder.name
        self.report({"INFO"}, f"Imported: {folder.name}")
        return {"FINISHED"}


class INTERMAMBA_OT_copy_setup_command(bpy.types.Operator):
    """Copy the command that makes a GPU environment, to paste it into a terminal"""

    bl_idname = "intermamba.copy_setup_command"
    bl_label = "Copy Command"
    bl_options: ClassVar = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it on the clipboard."""
        try:
            context.window_manager.clipboard = setup_command()
        except IntermambaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "Copied: paste it into a terminal")
        return {"FINISHED"}


class INTERMAMBA_OT_copy_report(bpy.types.Operator):
    """Copy versions, settings, the last error and the worker's last lines, for a bug report"""

    bl_idname = "intermamba.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it on the clipboard."""
        context.window_manager.clipboard = report_text()
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


CLASSES = (
    INTERMAMBA_OT_import_model,
    INTERMAMBA_OT_copy_setup_command,
    INTERMAMBA_OT_copy_report,
    IntermambaPreferences,
)
