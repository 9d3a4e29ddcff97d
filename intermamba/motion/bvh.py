"""BVH files: one person's skeleton and motion as text, which most animation programs read.

We write centimetres and degrees, Y up, joint order Z X Y: hands held out in front of a T-pose stay clear of the
angles where that order is ambiguous.
"""

import re
from pathlib import Path

import numpy as np

from ..errors import MotionFileError
from ..files import atomic_write
from .captured import Captured
from .motion import Motion
from .rotations import quat_from_axis_angle, quat_multiply, quat_to_matrix
from .skeleton import HEAD, JOINT_NAMES, L_FOOT, L_WRIST, PARENTS, R_FOOT, R_WRIST

METRES_PER_UNIT = 0.01

# Where the bones beyond the last joints end, in metres from them.
_END_SITES = {
    HEAD: (0.0, 0.16, 0.02),
    L_WRIST: (0.17, 0.0, 0.0),
    R_WRIST: (-0.17, 0.0, 0.0),
    L_FOOT: (0.0, 0.0, 0.07),
    R_FOOT: (0.0, 0.0, 0.07),
}
_AXES = {"X": np.array([1.0, 0.0, 0.0]), "Y": np.array([0.0, 1.0, 0.0]), "Z": np.array([0.0, 0.0, 1.0])}


def write_pair_bvh(path: str | Path, motion: Motion) -> tuple[Path, Path]:
    """Write both people beside `path`, as NAME_a.bvh and NAME_b.bvh, and give the two paths."""
    path = Path(path)
    paths = tuple(path.with_name(f"{path.stem}_{letter}.bvh") for letter in "ab")
    for person, one in enumerate(paths):
        write_bvh(one, motion, person)
    return paths[0], paths[1]


def write_bvh(path: str | Path, motion: Motion, person: int) -> None:
    """Write one person (0 or 1), in centimetres. Raises IntermambaError when the file cannot be written."""
    clip = Captured(
        list(JOINT_NAMES),
        PARENTS,
        motion.rest[person],
        motion.rotations[person],
        motion.root[person],
        motion.fps,
    )
    write_clip(path, clip, {joint: np.array(tip) for joint, tip in _END_SITES.items()})


def write_clip(path: str | Path, clip: Captured, tips: dict[int, np.ndarray]) -> None:
    """Write any skeleton, in centimetres; `tips` says where bones end (3,), from joints that have none below them.

    Raises IntermambaError when the file cannot be written.
    """
    order: list[int] = []
    root = int(np.flatnonzero(clip.parents < 0)[0])
    lines = ["HIERARCHY", *_joint_lines(clip, tips, root, 0, order)]
    angles = np.degrees(_euler_zxy(clip.rotations[:, order]))
    columns = []
    for n, joint in enumerate(order):
        if joint == root or joint in clip.travel:
            columns.append((clip.root if joint == root else clip.travel[joint]) / METRES_PER_UNIT)
        columns.append(angles[:, n])
    lines += ["MOTION", f"Frames: {len(clip.root)}", f"Frame Time: {1.0 / clip.fps:.9f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in np.concatenate(columns, axis=1)]
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _joint_lines(
    clip: Captured, tips: dict[int, np.ndarray], joint: int, depth: int, order: list[int]
) -> list[str]:
    """The block of a joint and all below it; appends the joints to `order` as they come in the file."""
    order.append(joint)
    tab, inner = "\t" * depth, "\t" * (depth + 1)
    place = "6 Xposition Yposition Zposition" if depth == 0 or joint in clip.travel else "3"
    lines = [
        f"{tab}{'JOINT' if depth else 'ROOT'} {clip.names[joint]}",
        f"{tab}{{",
        f"{inner}OFFSET {_numbers(clip.offsets[joint])}",
        f"{inner}CHANNELS {place} Zrotation Xrotation Yrotation",
    ]
    children = np.flatnonzero(clip.parents == joint)
    for child in children:
        lines += _joint_lines(clip, tips, int(child), depth + 1, order)
    if joint in tips and not len(children):
        lines += [f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_numbers(tips[joint])}", f"{inner}}}"]
    return [*lines, f"{tab}}}"]


def _numbers(metres: np.ndarray) -> str:
    return " ".join(f"{value / METRES_PER_UNIT:.6f}" for value in metres)


def _euler_zxy(q: np.ndarray) -> np.ndarray:
    """Angles z, x, y (T, N, 3) in radians with R = Rz Rx Ry, without jumps of a full turn over time."""
    m = quat_to_matrix(q.astype(float))
    z = np.arctan2(-m[..., 0, 1], m[..., 1, 1])
    x = np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0))
    y = np.arctan2(-m[..., 2, 0], m[..., 2, 2])
    return np.unwrap(np.stack([z, x, y], axis=-1), axis=0)


def read_bvh(path: str | Path, metres_per_unit: float = METRES_PER_UNIT, ends: bool = False) -> Captured:
    """Read a BVH file with rotation channels in any order. Raises MotionFileError that says what is wrong.

    End sites are left out, or with `ends` are joints called `<joint>_end`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MotionFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    hierarchy, *motion = re.split(r"^\s*MOTION\s*$", text, maxsplit=1, flags=re.MULTILINE)
    words = hierarchy.split()
    if not motion or words[:1] != ["HIERARCHY"]:
        raise MotionFileError(f"{path} is not a BVH file: it needs HIERARCHY and MOTION.")
    try:
        names, parents, offsets, channels = _parse_hierarchy(words[1:], ends)
        values, fps = _parse_motion(motion[0].split(), sum(map(len, channels)))
    except (ValueError, IndexError) as error:
        raise MotionFileError(f"{path} is a damaged BVH file ({error}): export it again.") from error
    rotations = np.zeros((len(values), len(names), 4))
    rotations[..., 0] = 1.0
    places = np.tile(offsets, (len(values), 1, 1))
    column = 0
    for joint, kinds in enumerate(channels):
        for kind in kinds:
            axis, value = kind[0].upper(), values[:, column]
            if kind[1:].lower() == "rotation":
                turn = quat_from_axis_angle(_AXES[axis], np.radians(value))
                rotations[:, joint] = quat_multiply(rotations[:, joint], turn)
            else:
                places[:, joint, "XYZ".index(axis)] = value
            column += 1
    offsets, places = offsets * metres_per_unit, places * metres_per_unit
    moving = np.flatnonzero((places != offsets).any(axis=(0, 2)))
    travel = {int(joint): places[:, joint] for joint in moving if joint}
    return Captured(names, parents, offsets, rotations, places[:, 0], fps, travel)


def _parse_hierarchy(
    words: list[str], ends: bool
) -> tuple[list[str], np.ndarray, np.ndarray, list[list[str]]]:
    """Names, parents, offsets and channel names of every joint, in the order of the file."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []  # -1 stands for an end site
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word in ("ROOT", "JOINT"):
            start = words.index("{", at)
            parents.append(open_joints[-1] if open_joints else -1)
            open_joints.append(len(names))
            names.append(" ".join(words[at + 1 : start]))
            offsets.append([0.0, 0.0, 0.0])
            channels.append([])
            at = start + 1
        elif word == "END":
            if ends:
                parents.append(open_joints[-1])
                names.append(f"{names[open_joints[-1]]}_end")
                offsets.append([0.0, 0.0, 0.0])
                channels.append([])
            open_joints.append(len(names) - 1 if ends else -1)
            at = words.index("{", at) + 1
        elif word == "OFFSET":
            if open_joints[-1] >= 0:
                offsets[open_joints[-1]] = [float(value) for value in words[at + 1 : at + 4]]
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            channels[open_joints[-1]] = [_channel(name) for name in words[at + 2 : at + 2 + count]]
            at += 2 + count
        elif word == "}":
            open_joints.pop()
            at += 1
        else:
            raise ValueError(f"{words[at]!r} is not expected in the hierarchy")
    if not names or parents.count(-1) != 1 or open_joints:
        raise ValueError("the hierarchy is not one whole tree")
    return names, np.array(parents), np.array(offsets), channels


def _channel(name: str) -> str:
    if name[:1].upper() not in _AXES or name[1:].lower() not in ("rotation", "position"):
        raise ValueError(f"{name!r} is not a channel")
    return name


def _parse_motion(words: list[str], channels: int) -> tuple[np.ndarray, float]:
    """Channel values (T, C) and frames per second."""
    if [word.lower() for word in (words[0], *words[2:4])] != ["frames:", "frame", "time:"]:
        raise ValueError("MOTION must start with Frames: and Frame Time:")
    frames, seconds = int(words[1]), float(words[4])
    values = np.array(words[5:], dtype=float)
    if frames < 1 or values.size != frames * channels:
        raise ValueError(
            f"{frames} frames of {channels} channels need {frames * channels} numbers, not {values.size}"
        )
    if not np.isfinite(values).all():
        raise ValueError("a channel value is not a number")
    if not seconds > 0:
        raise ValueError("the frame time must be more than 0")
    fps = 1.0 / seconds
    return values.reshape(frames, channels), float(np.round(fps)) if abs(fps - np.round(fps)) < 0.01 else fps
