"""Which bone is which joint: recognised, shown for correction, and kept as presets of the user's own."""

import json
from pathlib import Path

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from intermamba.errors import IntermambaError, RetargetError
from intermamba.files import atomic_write
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget import BoneMap, Rig, check_map, recognise

from . import actions
from .rigs import PEOPLE, read_rig

_PRESETS = "bone_maps.json"


_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


class IntermambaBone(bpy.types.PropertyGroup):
    """One joint of the body, by `name`, and the bone that stands for it."""

    bone: StringProperty(
        name="Bone", description="The rig's bone for this joint; empty if it has none", override=_OVERRIDABLE
    )


class IntermambaBoneMaps(bpy.types.PropertyGroup):
    """What the panel of bones shows."""

    person: EnumProperty(
        items=[(person, person, f"The armature of person {person}") for person in PEOPLE],
        name="Person",
        description="Whose bones are shown",
    )
    preset: StringProperty(name="Preset", description="Name under which this bone map is saved")


def bone_map_of(ob: bpy.types.Object, rig: Rig | None = None) -> BoneMap:
    """The map made by hand, else the user's preset that fits, else the recognised one.

    Raises RetargetError, naming the joints, when bones are missing.
    """
    rig = rig or read_rig(ob)
    by_hand = {joint.name: joint.bone for joint in ob.intermamba_joints if joint.bone}
    if by_hand:
        return _made_by_hand(rig, "by hand", by_hand)
    for name, bones in load_presets().items():
        if set(bones.values()) <= set(rig.names):
            return _made_by_hand(rig, name, bones)
    return recognise(rig)


def _made_by_hand(rig: Rig, title: str, bones: dict[str, str]) -> BoneMap:
    check_map(rig, bones)
    try:
        found = recognise(rig)
    except RetargetError:
        return BoneMap(title, bones)
    same = sum(found.bones.get(joint) == bone for joint, bone in bones.items())
    return BoneMap(title, bones, found.switches if same > len(bones) / 2 else ())


def key_switches(
    ob: bpy.types.Object, action: bpy.types.Action, switches: tuple[tuple[str, str, float], ...], frame: int
) -> None:
    """Key in an Action of ours what makes a control rig follow the bones that are keyed, such as IK_FK."""
    channels, _ = actions.channels_of(action, ob)
    for bone, name, value in switches:
        if name in ob.pose.bones[bone]:
            path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]["{bpy.utils.escape_identifier(name)}"]'
            curve = channels.fcurves.new(path)
            curve.keyframe_points.insert(frame, value)
    actions.seal(action)


def load_presets() -> dict[str, dict[str, str]]:
    """The user's bone maps by name; those that cannot be read are none."""
    try:
        read = json.loads(_presets_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        str(name): {joint: str(bone) for joint, bone in bones.items() if joint in JOINT_NAMES}
        for name, bones in (read.items() if isinstance(read, dict) else ())
        if isinstance(bones, dict)
    }


def save_preset(name: str, bones: dict[str, str]) -> None:
    """Keep a bone map for all files; one of the same name is replaced, without bones it is removed."""
    if not name.strip():
        raise IntermambaError("The preset has no name: type one first.")
    presets = load_presets() | {name.strip(): bones}
    presets = {name: bones for name, bones in presets.items() if bones}
    with atomic_write(_presets_file()) as temporary:
        temporary.write_text(json.dumps(presets, indent=1), encoding="utf-8")


def _presets_file() -> Path:
    return Path(bpy.utils.user_resource("CONFIG", path="intermamba", create=True)) / _PRESETS


CLASSES = (IntermambaBone, IntermambaBoneMaps)
PROPERTIES = (
    (
        bpy.types.Object,
        "intermamba_joints",
        CollectionProperty(
            type=IntermambaBone,
            name="Joints",
            description="The bone of each joint of the body, as corrected by hand; empty while they are recognised",
            override={*_OVERRIDABLE, "USE_INSERTION"},
        ),
    ),
    (
        bpy.types.Object,
        "intermamba_joint",
        IntProperty(name="Joint", description="The chosen joint", override=_OVERRIDABLE),
    ),
    (
        bpy.types.Scene,
        "intermamba_bone_maps",
        PointerProperty(type=IntermambaBoneMaps, description="The panel of bones"),
    ),
)
