"""Two people's motion, and the file it lives in."""

import json
import zipfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import IntermambaError, MotionFileError
from ..files import atomic_write
from .kinematics import fk
from .rotations import normalise, quat_unroll
from .skeleton import JOINTS

# Trailing sizes of the arrays; T stands for the number of frames.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "joints": (2, "T", JOINTS, 3),
    "rotations": (2, "T", JOINTS, 4),
    "root": (2, "T", 3),
    "rest": (2, JOINTS, 3),
    "contacts": (2, "T", 4),
}


@dataclass
class Motion:
    """Two people on the SMPL-22 skeleton; metres, Y up, floor at 0. FK of rotations, root and rest gives joints."""

    joints: np.ndarray  # (2, T, 22, 3)
    rotations: np.ndarray  # (2, T, 22, 4) local quaternions w, x, y, z
    root: np.ndarray  # (2, T, 3) pelvis position
    rest: np.ndarray  # (2, 22, 3) offsets from the parent in the T-pose
    contacts: np.ndarray  # (2, T, 4) left ankle, left toe, right ankle, right toe
    fps: float
    prompt: str = ""
    seed: int = 0
    model: str = ""
    version: str = __version__
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return self.joints.shape[1]


def save_motion(path: str | Path, motion: Motion) -> None:
    """Write a motion file (.npz, arrays and text alone). Raises IntermambaError when it cannot be written."""
    _check(motion, "The motion")
    values = {f.name: getattr(motion, f.name) for f in fields(Motion)}
    values["settings"] = json.dumps(motion.settings)
    arrays: dict[str, Any] = {
        name: np.asarray(value, dtype=np.float32) if name in _SHAPES else np.asarray(value)
        for name, value in values.items()
    }
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_motion(path: str | Path) -> Motion:
    """Read a motion file. Raises MotionFileError that says what is wrong with it."""
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {f.name: file[f.name] for f in fields(Motion) if f.name in file.files}
    except FileNotFoundError as error:
        raise MotionFileError(f"{path} does not exist: check the name.") from error
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise MotionFileError(f"{path} is not a motion file, or it is damaged: write it again.") from error
    missing = [name for name in (*_SHAPES, "fps") if name not in values]
    if missing:
        raise MotionFileError(f"{path} lacks {', '.join(missing)}: it is not a motion file of this program.")
    try:
        for name, convert in (
            ("fps", float),
            ("seed", int),
            ("prompt", str),
            ("model", str),
            ("version", str),
        ):
            if name in values:
                values[name] = convert(values[name].item())
        values["settings"] = json.loads(values["settings"].item()) if "settings" in values else {}
    except (ValueError, TypeError) as error:
        raise MotionFileError(f"{path} holds damaged settings ({error}): write it again.") from error
    motion = Motion(**values)
    _check(motion, str(path))
    return motion


def resample(motion: Motion, fps: float) -> Motion:
    """The same motion at another frame rate, for the same time; bone lengths stay as they are."""
    if not 1.0 <= fps <= 1000.0:
        raise IntermambaError(f"{fps:g} frames a second cannot be: give a rate from 1 to 1000.")
    if fps == motion.fps:
        return motion
    count = int(np.floor((motion.frames - 1) * fps / motion.fps + 1e-6)) + 1
    times = np.arange(count) * (motion.fps / fps)
    root = _interpolate(motion.root, times)
    rotations = quat_unroll(motion.rotations, axis=1)
    rotations = normalise(_interpolate(rotations, times)).astype(np.float32)
    nearest = np.minimum(np.rint(times).astype(int), motion.frames - 1)
    joints = fk(rotations, root, motion.rest[:, None]).astype(np.float32)
    contacts = motion.contacts[:, nearest]
    return replace(motion, joints=joints, rotations=rotations, root=root, contacts=contacts, fps=float(fps))


def _interpolate(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Catmull-Rom cubic through values (2, T, ...) at `times` in frames: velocity has no steps."""
    last = values.shape[1] - 1
    at = np.clip(np.floor(times).astype(int), 0, max(last - 1, 0))
    before, here, there, after = (values[:, np.clip(at + k, 0, last)] for k in (-1, 0, 1, 2))
    u = (times - at).reshape(1, -1, *[1] * (values.ndim - 2))
    slope_in = np.where(at.reshape(u.shape) == 0, there - here, 0.5 * (there - before))
    slope_out = np.where(at.reshape(u.shape) >= last - 1, there - here, 0.5 * (after - here))
    out = (
        (2 * u**3 - 3 * u**2 + 1) * here
        + (u**3 - 2 * u**2 + u) * slope_in
        + (3 * u**2 - 2 * u**3) * there
        + (u**3 - u**2) * slope_out
    )
    return out.astype(values.dtype)


def _check(motion: Motion, what: str) -> None:
    frames = motion.joints.shape[1] if motion.joints.ndim > 1 else 0
    for name, shape in _SHAPES.items():
        array = getattr(motion, name)
        wanted = tuple(frames if size == "T" else size for size in shape)
        if array.shape != wanted or frames == 0:
            raise MotionFileError(f"{what} has {name} of shape {array.shape} where {shape} belongs.")
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise MotionFileError(f"{what} has {name} with values that are not numbers.")
    if not (np.isfinite(motion.fps) and motion.fps > 0):
        raise MotionFileError(f"{what} has {motion.fps} frames a second, which cannot be.")
