"""Two-person clips with captions, from a folder of motion files, such as training.data.import_motion writes.

A folder holds `captions.jsonl` (a line per clip: `id`, `captions` true of any part of it, `segments` of `f0`, `f1`,
`captions` true where the whole segment is seen and an optional `tag`, either of them optional, and an optional
`interaction`, its kind, with a `variant`, a number that clips share whose captions may be the same)
and `<id>.npz` with `joints` (2,T,22,3) in metres, Y up, floor at 0, 30 fps. `rotations` (2,T,22,4) are taken from
the file when it has them, from the source skeleton when the file has that, and fitted to the joints otherwise.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.kinematics import fit_rotations, measure_rest, rest_from_joints
from intermamba.motion.rotations import quat_angle, quat_inverse, quat_multiply
from intermamba.motion.skeleton import JOINT_NAMES, PARENTS

from .usable import usable

FPS = 30.0
GLITCH_DEGREES = (
    60.0  # no joint of a person turns faster than this from frame to frame: 1800 degrees a second
)

# Which bone of the generic CMU skeleton (Daz names) turns with each of our joints.
SOURCE_BONES = {
    "pelvis": "hip", "spine1": "abdomen", "spine2": "chest", "spine3": "chest", "neck": "neck", "head": "head",
    "L_collar": "lCollar", "L_shoulder": "lShldr", "L_elbow": "lForeArm", "L_wrist": "lHand",
    "R_collar": "rCollar", "R_shoulder": "rShldr", "R_elbow": "rForeArm", "R_wrist": "rHand",
    "L_hip": "lThigh", "L_knee": "lShin", "L_ankle": "lFoot", "L_foot": "lFoot",
    "R_hip": "rThigh", "R_knee": "rShin", "R_ankle": "rFoot", "R_foot": "rFoot",
}  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """Frames `start` to `stop` of a clip, and what happens in them."""

    start: int
    stop: int
    captions: tuple[str, ...]
    tag: str = ""


@dataclass(frozen=True)
class Clip:
    """Two people moving: joints (2,T,22,3) metres, local rotations (2,T,22,4), rest offsets (2,22,3), good (T,)."""

    id: str
    joints: NDArray[np.float32]
    rotations: NDArray[np.float32]
    rest: NDArray[np.float32]
    good: NDArray[np.bool_]
    captions: tuple[str, ...]
    segments: tuple[Segment, ...] = ()
    interaction: str = ""
    variant: int = 0
    """Of the interaction: no caption tells clips of the same one apart."""
    own_floor: bool = False
    """Whether each person stands on a floor of their own in every crop, as in InterHuman's released loader."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.joints.shape[1]


def load_clips(folder: str | Path) -> list[Clip]:
    """Every clip that the folder's captions name and that can be used; the others are a line on standard error each.

    Raises IntermambaError that names the file when a line of the captions is broken, or no clip is left.
    """
    folder = Path(folder)
    captions = folder / "captions.jsonl"
    if not captions.is_file():
        raise IntermambaError(f"{folder} has no captions.jsonl. Give the folder that holds the motion files.")
    lines = captions.read_text(encoding="utf-8").splitlines()
    entries = [_entry(captions, n, line) for n, line in enumerate(lines, 1) if line.strip()]
    return usable(entries, lambda entry: _load_clip(folder, entry), folder)


def _entry(captions: Path, number: int, line: str) -> dict[str, Any]:
    """One line of captions.jsonl, with all that a clip needs of it."""
    try:
        entry = json.loads(line)
        segments = entry.get("segments", [])
        if entry["id"] and (entry.get("captions") or segments) and all(map(_is_segment, segments)):
            return entry
    except (ValueError, KeyError, TypeError):
        pass
    raise IntermambaError(
        f"Line {number} of {captions} needs `id`, `captions` or `segments`, and in each segment `f0`, `f1`, `captions`."
    )


def _is_segment(segment: dict[str, Any]) -> bool:
    return bool(segment["f0"] < segment["f1"] and segment["captions"])


def _load_clip(folder: Path, entry: dict[str, Any]) -> Clip:
    path = folder / f"{entry['id']}.npz"
    arrays = _read_arrays(path)
    joints = arrays["joints"]
    last = max((s["f0"] for s in entry.get("segments", [])), default=0)
    if last >= joints.shape[1]:
        raise IntermambaError(
            f"{path} has {joints.shape[1]} frames, but a segment of captions.jsonl starts at {last}."
        )
    rotations, rest = _rotations(joints.astype(np.float64), arrays)
    bad = arrays.get("bad", np.zeros(joints.shape[:2], bool))
    return Clip(
        id=entry["id"],
        joints=joints.astype(np.float32),
        rotations=rotations.astype(np.float32),
        rest=rest.astype(np.float32),
        good=~(bad.any(0) | glitches(rotations)),
        captions=tuple(entry.get("captions", ())),
        segments=tuple(
            Segment(s["f0"], s["f1"], tuple(s["captions"]), s.get("tag", ""))
            for s in entry.get("segments", [])
        ),
        interaction=entry.get("interaction", ""),
        variant=entry.get("variant", 0),
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What a motion file holds, checked as far as a clip needs it."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise IntermambaError(f"{path} does not exist, but captions.jsonl names it.") from error
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise IntermambaError(f"{path} cannot be read as a motion file ({error}).") from error
    joints = arrays.get("joints")
    if joints is None or joints.ndim != 4 or joints.shape[0] != 2 or joints.shape[2:] != (22, 3):
        raise IntermambaError(f"{path} does not hold `joints` of shape (2, frames, 22, 3).")
    for name, shape in (
        ("rotations", (*joints.shape[:3], 4)),
        ("rest", (2, *joints.shape[2:])),
        ("bad", joints.shape[:2]),
    ):
        if name in arrays and arrays[name].shape != shape:
            raise IntermambaError(f"{path} has `{name}` of shape {arrays[name].shape} where {shape} belongs.")
    for name in ("joints", "rotations", "rest"):
        if name in arrays and not np.isfinite(arrays[name]).all():
            raise IntermambaError(f"{path} has `{name}` with values that are not numbers.")
    if abs(float(arrays.get("fps", FPS)) - FPS) > 0.01:
        raise IntermambaError(
            f"{path} has {float(arrays['fps']):g} frames a second; resample it to {FPS:g} first."
        )
    return arrays


def _rotations(joints: NDArray[Any], arrays: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    if "rotations" in arrays and "rest" in arrays:
        return arrays["rotations"], arrays["rest"]
    if {"src_rot", "src_rest", "src_names"} <= arrays.keys() and set(SOURCE_BONES.values()) <= set(
        arrays["src_names"]
    ):
        rotations = source_rotations(arrays["src_rot"], list(arrays["src_names"]), arrays["src_parents"])
        return rotations, np.stack([rest_from_joints(j, r) for j, r in zip(joints, rotations, strict=True)])
    rest = np.stack([measure_rest(j) for j in joints])
    return np.stack([fit_rotations(j, r) for j, r in zip(joints, rest, strict=True)]), rest


def glitches(rotations: NDArray[Any]) -> NDArray[np.bool_]:
    """Frames (T,) on either side of an impossible turn of any joint in local rotations (2,T,22,4)."""
    step = quat_angle(rotations[:, 1:], rotations[:, :-1]).max((0, 2)) > np.radians(GLITCH_DEGREES)
    return np.concatenate([step, [False]]) | np.concatenate([[False], step])


def source_rotations(
    rotations: NDArray[Any], names: list[str], parents: NDArray[np.integer[Any]]
) -> NDArray[Any]:
    """Local rotations (...,22,4) of our skeleton from local rotations (...,N,4) of the generic CMU skeleton.

    Both rest poses are T-poses facing +Z, so a joint turns as its source bone does in the world.
    """
    world: list[NDArray[Any]] = []
    for bone, parent in enumerate(parents):
        local = rotations[..., bone, :].astype(np.float64)
        world.append(local if parent < 0 else quat_multiply(world[parent], local))
    ours = [world[names.index(SOURCE_BONES[joint])] for joint in JOINT_NAMES]
    local = [
        rotation if parent < 0 else quat_multiply(quat_inverse(ours[parent]), rotation)
        for rotation, parent in zip(ours, PARENTS, strict=True)
    ]
    return np.stack(local, axis=-2)
