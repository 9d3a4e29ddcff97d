"""Acclaim's ASF (a skeleton) and AMC (its motion) files, as the CMU database has them.

A bone of an ASF file has a direction and a length in the world at rest, and axes (rotation C from the world) in which
its angles are given: it turns by C M C^-1 relative to its parent. Angles of several axes apply in the order in which
they are listed, about fixed axes, so that "rx ry rz" is M = Rz Ry Rx.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MotionFileError
from .captured import Captured
from .rotations import quat_from_axis_angle, quat_inverse, quat_multiply

INCH = 0.0254
FPS = 120.0  # no rate is in the files; CMU's is this one

_AXES = {"X": np.array([1.0, 0.0, 0.0]), "Y": np.array([0.0, 1.0, 0.0]), "Z": np.array([0.0, 0.0, 1.0])}


@dataclass(frozen=True)
class Bone:
    """One bone: `end` (3,) from its start, the axes of its angles (a quaternion), and what its numbers are."""

    parent: str
    end: np.ndarray
    axis: np.ndarray
    dof: tuple[str, ...]


@dataclass(frozen=True)
class Skeleton:
    """An ASF file: bones by name, parents first, the root among them; lengths in metres."""

    bones: dict[str, Bone]
    origin: np.ndarray  # (3,) of the root
    metres_per_unit: float
    degrees: bool


def read_asf(path: str | Path, metres_per_unit: float | None = None) -> Skeleton:
    """Read a skeleton. Raises MotionFileError that says what is wrong.

    Without `metres_per_unit` the unit is an inch divided by the file's `length`, as CMU explains theirs.
    """
    sections = _sections(_read(path))
    try:
        units = dict(line.split(None, 1) for line in sections["units"])
        degrees = units.get("angle", "deg").strip() == "deg"
        unit = metres_per_unit or INCH / float(units.get("length", "1"))
        root = {line.split()[0]: line.split()[1:] for line in sections["root"]}
        bones = {
            "root": Bone(
                parent="",
                end=np.zeros(3),
                axis=_turn(
                    root.get("axis", ["XYZ"])[0], _floats(root.get("orientation", ["0"] * 3)), degrees
                ),
                dof=tuple(word.lower() for word in root["order"]),
            )
        }
        if sorted(bones["root"].dof) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
            raise ValueError("the root's order is not TX TY TZ RX RY RZ in some order")
        blocks = _bones(sections["bonedata"], unit, degrees)
        for parent, child in _pairs(sections["hierarchy"]):
            if parent not in bones or child not in blocks:
                raise ValueError(
                    f"the hierarchy has {parent!r} with {child!r} below it, which are not both there"
                )
            bones[child] = Bone(parent, *blocks[child])
        origin = _floats(root.get("position", ["0"] * 3)) * unit
    except (KeyError, ValueError, IndexError) as error:
        raise MotionFileError(f"{path} is not an ASF file, or it is damaged ({error}).") from error
    return Skeleton(bones, origin, unit, degrees)


def read_amc(path: str | Path, skeleton: Skeleton, fps: float = FPS) -> Captured:
    """Read a motion of a skeleton. Raises MotionFileError that says what is wrong.

    A joint is at the start of the bone whose name it has; `<bone>_end` is where a bone without bones below it ends.
    """
    lines = _read(path)
    degrees = not any(line.strip().upper() == ":RADIANS" for line in lines)
    lines = [line for line in lines if line.strip() and line.strip()[0] not in "#:"]
    try:
        values = _frames(lines, skeleton)
    except ValueError as error:
        raise MotionFileError(f"{path} is a damaged AMC file, or of another skeleton ({error}).") from error
    names = list(skeleton.bones)
    rotations = {name: _bone_turns(skeleton.bones[name], values[name], degrees) for name in names}
    place = {word: column for column, word in enumerate(skeleton.bones["root"].dof)}
    moved = np.stack([values["root"][:, place[word]] for word in ("tx", "ty", "tz")], axis=-1)
    return _captured(skeleton, rotations, moved * skeleton.metres_per_unit + skeleton.origin, fps)


def _captured(skeleton: Skeleton, rotations: dict[str, np.ndarray], root: np.ndarray, fps: float) -> Captured:
    names = list(skeleton.bones)
    parents = [names.index(bone.parent) if bone.parent else -1 for bone in skeleton.bones.values()]
    offsets = [
        skeleton.bones[bone.parent].end if bone.parent else np.zeros(3) for bone in skeleton.bones.values()
    ]
    turns = list(rotations.values())
    still = np.zeros_like(turns[0])
    still[:, 0] = 1.0
    for index, name in enumerate(list(names)):
        if index not in parents:
            names.append(f"{name}_end")
            parents.append(index)
            offsets.append(skeleton.bones[name].end)
            turns.append(still)
    return Captured(names, np.array(parents), np.array(offsets), np.stack(turns, axis=1), root, fps)


def _read(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise MotionFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _sections(lines: list[str]) -> dict[str, list[str]]:
    """What follows each `:keyword`, a stripped line each, without comments."""
    out: dict[str, list[str]] = {}
    current: list[str] = []
    for raw in lines:
        line = raw.strip()
        if line.startswith(":"):
            keyword, *rest = line[1:].split(None, 1)
            current = out.setdefault(keyword.lower(), [])
            current += rest
        elif line and not line.startswith("#"):
            current.append(line)
    return out


def _bones(
    lines: list[str], unit: float, degrees: bool
) -> dict[str, tuple[np.ndarray, np.ndarray, tuple[str, ...]]]:
    """End, axis and dof of every bone by name."""
    out = {}
    block: dict[str, list[str]] = {}
    for line in lines:
        words = line.split()
        if words[0] == "begin":
            block = {}
        elif words[0] == "end":
            *angles, order = block["axis"]
            name = block["name"][0]
            end = _floats(block["direction"]) * float(block["length"][0]) * unit
            dof = tuple(word.lower() for word in block.get("dof", []))
            for word in dof:
                if word not in ("rx", "ry", "rz"):
                    raise ValueError(f"the freedom {word!r} of {name} is not a rotation")
            out[name] = end, _turn(order, _floats(angles), degrees), dof
        else:
            block[words[0]] = words[1:]
    return out


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    """Parent and child, in the order of the hierarchy."""
    return [
        (parent, child)
        for parent, *children in (line.split() for line in lines)
        if parent not in ("begin", "end")
        for child in children
    ]


def _floats(words: list[str]) -> np.ndarray:
    values = np.array([float(word) for word in words])
    if values.shape != (3,) or not np.isfinite(values).all():
        raise ValueError(f"{' '.join(words)!r} are not three numbers")
    return values


def _turn(order: str, angles: np.ndarray, degrees: bool) -> np.ndarray:
    """Quaternion (..., 4) of angles (..., N) about the axes of `order`, the first applied first."""
    radians = np.radians(angles) if degrees else angles
    out = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (*radians.shape[:-1], 4))
    for column, axis in enumerate(order.upper()):
        out = quat_multiply(quat_from_axis_angle(_AXES[axis], radians[..., column]), out)
    return out


def _bone_turns(bone: Bone, values: np.ndarray, degrees: bool) -> np.ndarray:
    """Local rotations (T, 4) from a bone's numbers (T, D)."""
    columns = [column for column, word in enumerate(bone.dof) if word in ("rx", "ry", "rz")]
    turn = _turn("".join(bone.dof[column][1] for column in columns), values[:, columns], degrees)
    return quat_multiply(quat_multiply(bone.axis, turn), quat_inverse(bone.axis))


def _frames(lines: list[str], skeleton: Skeleton) -> dict[str, np.ndarray]:
    """The numbers (T, D) of every bone, D of them to a frame; D is 0 for a bone that does not turn."""
    rows: list[dict[str, list[float]]] = []
    for line in lines:
        name, *words = line.split()
        if not words:
            int(name)
            rows.append({})
        elif not rows or name not in skeleton.bones:
            raise ValueError(f"{name!r} is not a bone of the skeleton")
        else:
            rows[-1][name] = [float(word) for word in words]
    if not rows:
        raise ValueError("it has no frame")
    out = {}
    for name, bone in skeleton.bones.items():
        values = [row.get(name, []) for row in rows]
        for number, row in enumerate(values, 1):
            if len(row) != len(bone.dof):
                raise ValueError(f"frame {number} has {len(row)} numbers for {name}, not {len(bone.dof)}")
        out[name] = np.array(values, float).reshape(len(rows), len(bone.dof))
        if not np.isfinite(out[name]).all():
            raise ValueError(f"{name} has a value that is not a number")
    return out
