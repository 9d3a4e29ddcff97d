"""What the preferences say about sampling: the worker's command, its model, and when it is closed.

Everything may stay as it is: the extension brings a worker and a model.
"""

import os
import shlex
import sys
from pathlib import Path

import bpy

from intermamba.bundles.bundle import CONFIG
from intermamba.errors import WorkerError
from intermamba.worker.client import default_command
from intermamba.worker.environment import environment_folder, environment_python
from intermamba.worker.process import BOOT, as_typed, command_in, find_python

KINDS = (
    (
        "CPU",
        "Blender's Own Python",
        "Sample on the processor with what the extension brings: nothing to set up",
    ),
    (
        "GPU",
        "GPU Environment",
        "Sample on the graphics card, with torch in a Python environment outside Blender",
    ),
    ("COMMAND", "Worker Command", "Sample with a worker that you start, on another computer for example"),
)
IDLE_MINUTES = 5


def preferences() -> bpy.types.AddonPreferences | None:
    """The extension's preferences; None where it was registered by a script alone."""
    addon = bpy.context.preferences.addons.get(__package__)
    return addon.preferences if addon else None


def idle_seconds() -> float:
    """How long a worker may be without work before it is closed."""
    settings = preferences()
    return 60.0 * (settings.idle if settings else IDLE_MINUTES)


def models_folder() -> Path:
    """The folder that imported models are in, the user's choice or one of the extension's own; it need not exist."""
    settings = preferences()
    if settings and settings.models:
        return Path(bpy.path.abspath(settings.models))
    return Path(bpy.utils.user_resource("DATAFILES", path=os.path.join("intermamba", "models")))


def installed_models() -> list[str]:
    """The names of the models in the models folder, in order."""
    return sorted(path.parent.name for path in models_folder().glob(f"*/{CONFIG}"))


def model_folder() -> str:
    """The folder of the chosen model; empty for the bundled one."""
    settings = preferences()
    return str(models_folder() / settings.model) if settings and settings.model else ""


def gpu_python() -> str:
    """The Python of the GPU environment: the user's, or that of setup-gpu where none is named; empty without either."""
    settings = preferences()
    if settings and settings.python:
        return bpy.path.abspath(settings.python)
    made = environment_python(environment_folder())
    return str(made) if made.exists() else ""


def setup_command() -> str:
    """What to type in a terminal to make a GPU environment."""
    return as_typed([find_python(), "-I", str(BOOT), "setup-gpu"])


def worker_command(engine: str) -> list[str]:
    """The command line of the worker for an engine of properties.ENGINES.

    Raises WorkerError where the preferences lack what their engine needs.
    """
    settings, model = preferences(), model_folder()
    kind = settings.engine if settings else "CPU"
    fake = ["--fake"] if engine == "FAKE" else []
    if kind == "COMMAND":
        if not settings.command.strip():
            raise WorkerError("No worker command is given: write one into the add-on's preferences.")
        return [*shlex.split(settings.command, posix=os.name == "posix"), *fake]
    arguments = ["--model", model, *fake] if model else fake
    if kind == "CPU":
        return default_command(*arguments)
    python = gpu_python()
    if not Path(python).is_file():
        raise WorkerError(
            f"{f'There is no {python}' if python else 'There is no GPU environment yet'}: the add-on's preferences "
            "show the command that makes one."
        )
    device = "mps" if sys.platform == "darwin" else "cuda"
    return command_in(python, "worker", "--device", device, *arguments)
