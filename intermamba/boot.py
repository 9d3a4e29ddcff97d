"""Run the command `intermamba` in a bare `python -I`, with the package around this file, installed there or not.

    python -I boot.py doctor
    python -I boot.py '["/folder/with/onnxruntime", ...]' worker [arguments]

`intermamba` is loaded from the folder that this file lies in, whatever else is installed, so that Blender and its
worker are always the same version. The given folders come last on the path: they fill gaps and hide nothing.
"""

import json
import sys
from importlib import util
from pathlib import Path


def load_package() -> None:
    """Make `import intermamba` mean the package around this file."""
    folder = Path(__file__).resolve().parent
    spec = util.spec_from_file_location(
        "intermamba", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"No package in {folder}")
    package = util.module_from_spec(spec)
    sys.modules["intermamba"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (any Python may be named in Blender)
        sys.exit(f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: 3.11 or later is needed.")
    arguments = sys.argv[1:]
    if arguments and arguments[0].startswith("["):
        sys.path += [folder for folder in json.loads(arguments.pop(0)) if folder not in sys.path]
    load_package()
    from intermamba.cli import main

    sys.exit(main(arguments))
