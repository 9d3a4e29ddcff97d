"""What went wrong, in a form that may be sent to someone: no names of people or of their folders."""

import platform
import re
from pathlib import Path

import bpy

from intermamba import __version__

from .engines import KINDS, model_folder, preferences
from .jobs import session

_HOMES = re.compile(r"((?:[A-Za-z]:)?[\\/](?:home|Users)[\\/])[^\\/\s\"':;,)]+")
_PLAIN = {"intermamba", "worker"}
_PLACES = re.compile(r"\b[\w.+-]+@[\w.-]+")


def report_text() -> str:
    """Versions, engine, model, the last error and the last lines of the worker."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    lines = [
        f"InterMamba {__version__}",
        f"Blender {bpy.app.version_string}, Python {platform.python_version()}, {system}",
        f"Engine: {_engine()}",
        f"Model: {Path(model_folder()).name or 'bundled'}",
        f"Last error: {session.error or 'none'}",
        "Last lines of the worker:",
        session.log() or "(none)",
    ]
    settings = preferences()
    return without_names("\n".join(lines), settings.command if settings else "") + "\n"


def without_names(text: str, command: str = "") -> str:
    """The text with ~ for the home folder, without other users' names, and without what a worker command names."""
    for word in command.split()[1:]:
        if len(word) > 2 and not word.startswith("-") and word not in _PLAIN:
            text = text.replace(word, "ARGUMENT").replace(word.partition("@")[2] or word, "ARGUMENT")
    home = str(Path.home())
    if len(home) > 3:  # not / or C:\
        text = text.replace(home, "~")
    return _PLACES.sub("USER@HOST", _HOMES.sub(r"\1USER", text))


def _engine() -> str:
    """The kind of engine; of a worker command its program alone, since hosts and paths follow it."""
    settings = preferences()
    kind = settings.engine if settings else "CPU"
    title = {identifier: name for identifier, name, _ in KINDS}[kind]
    if kind == "COMMAND" and settings.command.strip():
        return f"{title}, {Path(settings.command.split()[0]).name}"
    return title
