"""Start the worker in a bare `python -I`, with the folders that the parent process has its packages from.

    python -I boot.py '["/folder/with/onnxruntime", ...]' [worker arguments]

`intermamba` is loaded from the folder that this file lies in, whatever else is installed, so that both sides
of the pipe are the same version. The given folders come last on the path: they fill gaps and hide nothing.
"""

import json
import sys
from importlib import util
from pathlib import Path


def load_package() -> None:
    """Make `import intermamba` mean the package around this file."""
    folder = Path(__file__).resolve().parent.parent
    spec = util.spec_from_file_location(
        "intermamba", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"No package in {folder}")
    package = util.module_from_spec(spec)
    sys.modules["intermamba"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    script, folders, *arguments = sys.argv
    sys.argv = [script, *arguments]
    sys.path += [folder for folder in json.loads(folders) if folder not in sys.path]
    load_package()
    from intermamba.worker.server import main

    main()
