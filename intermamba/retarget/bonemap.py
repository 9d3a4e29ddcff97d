"""Which bone of a rig is which joint of the body, by the bones' names.

A naming is a table from joints to bone names, written for the left side. To support one more kind of rig,
add a table to `NAMINGS`. Names are compared without case, punctuation and prefix; left and right are told
by the usual marks.
"""

import re
from dataclasses import dataclass

from ..errors import RetargetError
from ..motion.skeleton import JOINT_NAMES, MIRROR
from .rig import Rig

# Joints that a rig may lack.
OPTIONAL = frozenset(
    ("spine1", "spine2", "neck", "head", "L_collar", "R_collar", "L_foot", "R_foot", "L_wrist", "R_wrist")
)


@dataclass(frozen=True)
class Naming:
    """One family of bone names: joint -> names it may have, in order of preference."""

    title: str
    bones: dict[str, tuple[str, ...]]


NAMINGS = (
    Naming(
        "SMPL",
        {
            "pelvis": ("pelvis",),
            "spine1": ("spine1",),
            "spine2": ("spine2",),
            "spine3": ("spine3",),
            "neck": ("neck",),
            "head": ("head",),
            "L_hip": ("L hip",),
            "L_knee": ("L knee",),
            "L_ankle": ("L ankle",),
            "L_foot": ("L foot",),
            "L_collar": ("L collar",),
            "L_shoulder": ("L shoulder",),
            "L_elbow": ("L elbow",),
            "L_wrist": ("L wrist",),
        },
    ),
    Naming(
        "Mixamo",
        {
            "pelvis": ("hips",),
            "spine1": ("spine",),
            "spine2": ("spine1",),
            "spine3": ("spine2",),
            "neck": ("neck",),
            "head": ("head",),
            "L_hip": ("L upleg",),
            "L_knee": ("L leg",),
            "L_ankle": ("L foot",),
            "L_foot": ("L toebase",),
            "L_collar": ("L shoulder",),
            "L_shoulder": ("L arm",),
            "L_elbow": ("L forearm",),
            "L_wrist": ("L hand",),
        },
    ),
    Naming(
        "common humanoid",
        {
            "pelvis": ("hips", "pelvis", "hip"),
            "spine1": ("spine", "spine1", "spine01"),
            "spine2": ("chest", "spine2", "spine02"),
            "spine3": ("upperchest", "spine3", "spine03"),
            "neck": ("neck", "neck1", "neck01"),
            "head": ("head",),
            "L_hip": ("L thigh", "L upperleg", "L upleg", "L hip"),
            "L_knee": ("L shin", "L calf", "L lowerleg", "L lowleg", "L leg", "L knee"),
            "L_ankle": ("L foot", "L ankle"),
            "L_foot": ("L toe", "L toes", "L toebase", "L ball"),
            "L_collar": ("L clavicle", "L collar", "L shoulder"),
            "L_shoulder": ("L upperarm", "L uparm", "L arm"),
            "L_elbow": ("L forearm", "L lowerarm", "L lowarm", "L elbow"),
            "L_wrist": ("L hand", "L wrist"),
        },
    ),
)

_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
_PREFIXES = {"mixamorig"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def plain_name(bone: str) -> str:
    """A bone's name in one form: "L upleg" for mixamorig:LeftUpLeg, "R upperarm" for upper_arm.R."""
    words = [word.lower() for word in _WORDS.findall(re.split(r"[:|]", bone)[-1])]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    core = "".join(word for word in words if word not in _SIDES and word not in _PREFIXES)
    return f"{sides[0]} {core}" if sides else core


def map_bones(rig: Rig) -> dict[str, str]:
    """Joint name -> bone name of the naming that fits the rig best.

    Raises RetargetError naming what is missing when none fits.
    """
    plain = {plain_name(bone): bone for bone in reversed(rig.names)}
    best = max((_match(naming, plain) for naming in NAMINGS), key=_fit)
    missing = [joint for joint in JOINT_NAMES if joint not in best and joint not in OPTIONAL]
    if missing:
        raise RetargetError(
            f'Armature "{rig.name}" does not look humanoid (no bone found for {_listed(missing)}): '
            "pick another one, or leave the field empty to get a mannequin."
        )
    return best


def _match(naming: Naming, plain: dict[str, str]) -> dict[str, str]:
    found = {}
    for joint in JOINT_NAMES:
        for name in _wanted(naming, joint):
            if name in plain and plain[name] not in found.values():
                found[joint] = plain[name]
                break
    spine = [joint for joint in ("spine1", "spine2", "spine3") if joint in found]
    if spine:
        found["spine3"] = found.pop(spine[-1])  # the highest bone of a short spine is the chest
    return found


def _wanted(naming: Naming, joint: str) -> tuple[str, ...]:
    if joint in naming.bones:
        return naming.bones[joint]
    other = JOINT_NAMES[MIRROR[JOINT_NAMES.index(joint)]]
    return tuple("R" + name[1:] for name in naming.bones.get(other, ()))


def _fit(found: dict[str, str]) -> tuple[int, int]:
    """Joints that must be there first, then all."""
    return len(found.keys() - OPTIONAL), len(found)


def _listed(joints: list[str], most: int = 6) -> str:
    words = [joint.replace("L_", "left ").replace("R_", "right ") for joint in joints]
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
