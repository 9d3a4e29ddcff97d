"""Where the sampler and its model are found. Both are bundled: everything here may stay empty."""

import os
import shlex

import bpy
from bpy.props import StringProperty

from intermamba.worker.client import default_command


class IntermambaPreferences(bpy.types.AddonPreferences):
    """Preferences of the extension."""

    bl_idname = __package__

    command: StringProperty(
        name="Worker Command",
        description=(
            "Program that samples the motion, for example: ssh gpu-box intermamba worker. "
            "Leave empty to use Blender's own Python"
        ),
    )
    model: StringProperty(
        name="Model Folder",
        description="Folder of a model bundle that you trained or downloaded. Leave empty to use the bundled model",
        subtype="DIR_PATH",
    )

    def draw(self, _: bpy.types.Context) -> None:
        """Show both fields."""
        column = self.layout.column()
        column.prop(self, "command", placeholder="Blender's own Python")
        column.prop(self, "model", placeholder="The bundled model")


def model_folder() -> str:
    """The folder of the model that the preferences name; empty for the bundled one."""
    addon = bpy.context.preferences.addons.get(__package__)
    return bpy.path.abspath(addon.preferences.model) if addon else ""


def worker_command(engine: str) -> list[str]:
    """The command line of the worker for an engine of properties.ENGINES."""
    addon = bpy.context.preferences.addons.get(__package__)
    command, model = addon.preferences.command if addon else "", model_folder()
    arguments = ["--model", model] if model else []
    if engine == "FAKE":
        arguments.append("--fake")
    if command.strip():
        return [*shlex.split(command, posix=os.name == "posix"), *arguments]
    return default_command(*arguments)


CLASSES = (IntermambaPreferences,)
