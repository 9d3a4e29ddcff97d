"""Where `intermamba setup-gpu` makes its environment, so that Blender finds it without being told."""

import os
import sys
from pathlib import Path


def environment_folder() -> Path:
    """The folder for setup-gpu, in the user's own data; it need not exist."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "intermamba" / "gpu"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "intermamba" / "gpu"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "intermamba" / "gpu"


def environment_python(folder: Path, system: str = sys.platform) -> Path:
    """The Python of the environment that setup-gpu makes in a folder."""
    return folder / "env" / ("Scripts/python.exe" if system == "win32" else "bin/python")
