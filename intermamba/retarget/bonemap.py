"""Which bone of a rig is which joint of the body: by the bones' names, else by where they are."""

import re
from dataclasses import dataclass, field

from ..errors import RetargetError
from ..motion.skeleton import JOINT_NAMES, MIRROR
from .geometry import map_by_geometry, spine_joints
from .namings import NAMINGS, Naming
from .rig import Rig
from .tree import ancestors, between, meeting

# Joints that a rig may lack.
OPTIONAL = frozenset(
    ("spine1", "spine2", "neck", "head", "L_collar", "R_collar", "L_foot", "R_foot", "L_wrist", "R_wrist")
)

_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMESPACE = re.compile(r"^(.*[:|]|mixamorig\d*_?)")


@dataclass(frozen=True)
class BoneMap:
    """Joint name -> bone name, the preset that it came from, and what must be switched for the bones to be followed.

    switches: (bone, custom property, value).
    """

    title: str
    bones: dict[str, str]
    switches: tuple[tuple[str, str, float], ...] = field(default=())


def plain_name(bone: str) -> str:
    """A bone's name in one form: "L upleg" for mixamorig:LeftUpLeg, "R upperarm" for upper_arm.R."""
    words = [word.lower() for word in _WORDS.findall(_NAMESPACE.sub("", bone))]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    core = "".join(word for word in words if word not in _SIDES)
    return f"{sides[0]} {core}" if sides else core


def map_bones(rig: Rig) -> dict[str, str]:
    """Joint name -> bone name, of the preset that fits. Raises RetargetError naming what is missing when none does."""
    return recognise(rig).bones


def recognise(rig: Rig) -> BoneMap:
    """The first preset that has all joints, else the joints by geometry.

    Raises RetargetError, naming what is missing of the preset that comes nearest, when both fail.
    """
    found = _best(rig)
    if missing := missing_joints(found.bones):
        raise RetargetError(
            f'Armature "{rig.name}" does not look humanoid (no bone found for {_listed(missing)}): '
            "pick another one, or leave the field empty to get a mannequin."
        )
    return found


def guess_bones(rig: Rig) -> dict[str, str]:
    """Joint name -> bone name as far as they are found, to be completed by hand."""
    return _best(rig).bones


def _best(rig: Rig) -> BoneMap:
    found = []
    for naming in NAMINGS:
        bones = _match(naming, rig)
        if not missing_joints(bones):
            switches = tuple(switch for switch in naming.switches if switch[0] in rig.names)
            return BoneMap(naming.title, _refined(rig, bones), switches)
        found.append(BoneMap(naming.title, bones))
    shaped = BoneMap("by geometry", map_by_geometry(rig))
    if not missing_joints(shaped.bones):
        return shaped
    return max((*found, shaped), key=lambda one: _fit(one.bones))


def missing_joints(bones: dict[str, str]) -> list[str]:
    """Joints that a map needs and lacks."""
    return [joint for joint in JOINT_NAMES if joint not in bones and joint not in OPTIONAL]


def check_map(rig: Rig, bones: dict[str, str]) -> None:
    """Raise RetargetError when a map, as one made by hand, cannot be used on the rig."""
    if missing := missing_joints(bones):
        raise RetargetError(f'The bone map of "{rig.name}" has no bone for {_listed(missing)}: choose them.')
    for joint, bone in bones.items():
        if joint not in JOINT_NAMES or bone not in rig.names:
            raise RetargetError(
                f'The bone map of "{rig.name}" asks for {bone} as {joint}, which it lacks: choose another.'
            )
    if len(set(bones.values())) < len(bones):
        twice = next(bone for bone in bones.values() if list(bones.values()).count(bone) > 1)
        raise RetargetError(
            f'The bone map of "{rig.name}" uses {twice} twice: choose one bone for each joint.'
        )


def _plain_names(naming: Naming, rig: Rig) -> dict[str, str]:
    """Plain name -> bone, the first of each; bones without the naming's prefix are left out."""
    plain = {}
    for bone in rig.names:
        begins = re.match(naming.prefix, bone)
        if begins:
            plain.setdefault(plain_name(bone[begins.end() :]), bone)
    return plain


def _match(naming: Naming, rig: Rig) -> dict[str, str]:
    plain, found = _plain_names(naming, rig), {}
    for joint in JOINT_NAMES:
        for name in _wanted(naming, joint):
            if name in plain and plain[name] not in found.values():
                found[joint] = plain[name]
                break
    spine = [joint for joint in ("spine1", "spine2", "spine3") if joint in found]
    if spine:
        found["spine3"] = found.pop(spine[-1])  # the highest bone of a short spine is the chest
    return found


def _refined(rig: Rig, bones: dict[str, str]) -> dict[str, str]:
    """The same map with the spine's joints spread over all of its bones, however many the rig has."""
    pelvis, *arms = (rig.index(bones[joint]) for joint in ("pelvis", "L_shoulder", "R_shoulder"))
    chest = meeting(rig, *arms)
    if chest is None or chest == pelvis or pelvis not in ancestors(rig, chest):
        return bones
    chain = [*between(rig, pelvis, chest), chest]
    if not rig.free[chain].all() or any(rig.index(bones[joint]) in chain for joint in ("L_hip", "R_hip")):
        return bones
    rest = {joint: bone for joint, bone in bones.items() if not joint.startswith("spine")}
    spine = {joint: rig.names[bone] for joint, bone in spine_joints(chain).items()}
    return {joint: bone for joint in JOINT_NAMES if (bone := (rest | spine).get(joint))}


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
