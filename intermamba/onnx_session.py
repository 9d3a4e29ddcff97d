"""Opening a bundle's ONNX graphs for the CPU."""

from pathlib import Path
from typing import Any

from .errors import BundleError, IntermambaError


def open_session(path: Path, threads: int = 0) -> Any:
    """Return the onnxruntime.InferenceSession of a graph; `threads` 0 is one for each physical core.

    Raises IntermambaError where onnxruntime is not installed, BundleError when it cannot load the graph.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise IntermambaError("Sampling needs onnxruntime: run `pip install onnxruntime`.") from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Waiting threads sleep: when they spin they take cores that Blender could use, for no speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise BundleError(f"{path} cannot be loaded, install the model again: {error}") from error
