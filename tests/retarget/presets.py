"""Rigs in the usual namings, trees and rest poses, each with a body of its own."""

from dataclasses import dataclass, field

import numpy as np

from intermamba.motion.kinematics import fk
from intermamba.motion.rotations import quat_to_matrix
from intermamba.motion.skeleton import DEFAULT_REST, JOINT_NAMES, JOINTS, PARENTS
from intermamba.retarget import Rig
from intermamba.retarget.body import Z_UP

from .rigs import a_pose, unit_rotations

TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
SIDE = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")


@dataclass
class Preset:
    """trunk: bones of TRUNK; left and right: of SIDE; all in the given spelling, "-" where there is none.

    chain: bones between two joints, evenly; leaves: bones that hang on a joint, with their share of the way to
    another; hang: joints that hang on a bone that is no joint; above: bones over the pelvis.
    """

    title: str
    trunk: str
    left: str
    right: str
    pose: str = "T"
    scale: float = 1.0
    chain: dict[tuple[str, str], str] = field(default_factory=dict)
    leaves: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    hang: dict[str, str] = field(default_factory=dict)
    above: str = ""

    @property
    def table(self) -> dict[str, str]:
        """Joint -> bone."""
        joints = (*TRUNK, *(f"L_{part}" for part in SIDE), *(f"R_{part}" for part in SIDE))
        bones = f"{self.trunk} {self.left} {self.right}".split()
        return {joint: bone for joint, bone in zip(joints, bones, strict=True) if bone != "-"}


def sided(left: str, pairs: list[tuple[str, str]]) -> str:
    """The right side's names: each mark of the left side replaced."""
    for ours, theirs in pairs:
        left = left.replace(ours, theirs)
    return left


def _both(chain: dict, pairs: list[tuple[str, str]]) -> dict:
    """A left side's chain or leaves, and the right side's."""
    out = {}
    for key, value in chain.items():
        if isinstance(key, tuple):
            out[key] = value
            out[tuple(k.replace("L_", "R_") for k in key)] = sided(value, pairs)
        else:
            out[key] = value
            joint, to, share = value
            out[sided(key, pairs)] = (joint.replace("L_", "R_"), to.replace("L_", "R_"), share)
    return out


def _preset(title: str, trunk: str, left: str, marks: list[tuple[str, str]], **more) -> Preset:
    for key in ("chain", "leaves"):
        ours = {k: v for k, v in more.get(key, {}).items() if "L_" in str(k) + str(v)}
        more[key] = more.get(key, {}) | _both(ours, marks)
    return Preset(title, trunk, left, sided(left, marks), **more)


_RIGIFY = "shoulder.L upper_arm.L forearm.L hand.L thigh.L shin.L foot.L toe.L"
_SPINES = "spine spine.001 spine.002 spine.003 spine.004 spine.006"
_DEF_CHAIN = {
    ("neck", "head"): "DEF-spine.005",
    ("L_shoulder", "L_elbow"): "DEF-upper_arm.L.001",
    ("L_elbow", "L_wrist"): "DEF-forearm.L.001",
    ("L_hip", "L_knee"): "DEF-thigh.L.001",
    ("L_knee", "L_ankle"): "DEF-shin.L.001",
}
_MIXAMO = (
    "LeftShoulder LeftArm LeftForeArm LeftHand LeftUpLeg LeftLeg LeftFoot LeftToeBase",
    "Hips Spine Spine1 Spine2 Neck Head",
)
_UE_LEAVES = {
    "upperarm_twist_01_l": ("L_shoulder", "L_elbow", 0.1),
    "lowerarm_twist_01_l": ("L_elbow", "L_wrist", 0.6),
    "thigh_twist_01_l": ("L_hip", "L_knee", 0.1),
    "calf_twist_01_l": ("L_knee", "L_ankle", 0.6),
}
_UE = "clavicle_l upperarm_l lowerarm_l hand_l thigh_l calf_l foot_l ball_l"
_VROID = (
    "J_Bip_L_Shoulder J_Bip_L_UpperArm J_Bip_L_LowerArm J_Bip_L_Hand J_Bip_L_UpperLeg J_Bip_L_LowerLeg "
    "J_Bip_L_Foot J_Bip_L_ToeBase"
)
_CC_PARTS = ("Clavicle", "Upperarm", "Forearm", "Hand", "Thigh", "Calf", "Foot", "ToeBase")
_CC = " ".join(f"CC_Base_L_{part}" for part in _CC_PARTS)

PRESETS = (
    _preset(
        "Mixamo and HumanIK",
        " ".join(f"mixamorig:{n}" for n in _MIXAMO[1].split()),
        " ".join(f"mixamorig:{n}" for n in _MIXAMO[0].split()),
        [("Left", "Right")],
        scale=1.04,
    ),
    _preset(
        "HumanIK, with a character's name",
        " ".join(f"Character1_{n}" for n in ["Hips", "Spine", "Spine2", "Spine4", "Neck", "Head"]),
        " ".join(f"Character1_{n}" for n in _MIXAMO[0].split()),
        [("Left", "Right")],
        above="Character1_Reference",
        chain={("spine1", "spine2"): "Character1_Spine1", ("spine2", "spine3"): "Character1_Spine3"},
    ),
    _preset(
        "Rigify metarig", _SPINES, _RIGIFY, [(".L", ".R")], pose="A", chain={("neck", "head"): "spine.005"}
    ),
    *(
        _preset(
            title,
            " ".join(prefix + n for n in _SPINES.split()),
            " ".join(prefix + n for n in _RIGIFY.split()),
            [(".L", ".R")],
            pose="A",
            chain={k: v.replace("DEF-", prefix) for k, v in chain.items()},
        )
        for title, prefix, chain in (
            ("Rigify deform bones", "DEF-", _DEF_CHAIN),
            ("Rigify ORG bones", "ORG-", {("neck", "head"): "ORG-spine.005"}),
        )
    ),
    _preset(
        "Unreal Mannequin",  # UE4
        "pelvis spine_01 spine_02 spine_03 neck_01 head",
        _UE,
        [("_l", "_r")],
        pose="A",
        above="root",
        leaves=_UE_LEAVES,
    ),
    _preset(
        "Unreal Mannequin",  # UE5
        "pelvis spine_01 spine_03 spine_05 neck_01 head",
        _UE,
        [("_l", "_r")],
        pose="A",
        above="root",
        scale=1.1,
        leaves=_UE_LEAVES,
        chain={
            ("spine1", "spine2"): "spine_02",
            ("spine2", "spine3"): "spine_04",
            ("neck", "head"): "neck_02",
        },
    ),
    _preset(
        "VRM, VRoid names",
        " ".join(f"J_Bip_C_{n}" for n in ["Hips", "Spine", "Chest", "UpperChest", "Neck", "Head"]),
        _VROID,
        [("_L_", "_R_")],
        scale=0.9,
        above="Root",
    ),
    _preset(
        "VRM",
        "hips spine chest upperChest neck head",
        "leftShoulder leftUpperArm leftLowerArm leftHand leftUpperLeg leftLowerLeg leftFoot leftToes",
        [("left", "right")],
        scale=0.7,
    ),
    _preset(
        "Auto-Rig Pro",
        "c_root_master.x c_spine_01.x c_spine_02.x c_spine_03.x c_neck.x c_head.x",
        "c_shoulder.l c_arm_fk.l c_forearm_fk.l c_hand_fk.l c_thigh_fk.l c_leg_fk.l c_foot_fk.l c_toes_fk.l",
        [(".l", ".r")],
        pose="A",
        above="c_traj",
    ),
    _preset(
        "Auto-Rig Pro deform bones",
        "root.x spine_01.x spine_02.x spine_03.x neck.x head.x",
        "shoulder.l arm_stretch.l forearm_stretch.l hand.l thigh_stretch.l leg_stretch.l foot.l toes_01.l",
        [(".l", ".r")],
        pose="A",
        leaves={
            "arm_twist.l": ("L_shoulder", "L_elbow", 0.0),
            "forearm_twist.l": ("L_elbow", "L_wrist", 0.5),
        },
    ),
    _preset(
        "Character Creator and ActorCore",
        " ".join(f"CC_Base_{n}" for n in ["Hip", "Waist", "Spine01", "Spine02", "NeckTwist01", "Head"]),
        _CC,
        [("_L_", "_R_")],
        above="CC_Base_BoneRoot",
        hang={"L_hip": "CC_Base_Pelvis", "R_hip": "CC_Base_Pelvis"},
        chain={("neck", "head"): "CC_Base_NeckTwist02"},
        leaves={
            "CC_Base_L_UpperarmTwist01": ("L_shoulder", "L_elbow", 0.0),
            "CC_Base_L_ForearmTwist02": ("L_elbow", "L_wrist", 0.5),
        },
    ),
    _preset(
        "SMPL and SMPL-X",
        "pelvis spine1 spine2 spine3 neck head",
        "left_collar left_shoulder left_elbow left_wrist left_hip left_knee left_ankle left_foot",
        [("left", "right")],
    ),
    _preset(
        "Daz Genesis 3 and 8",
        "hip abdomenLower abdomenUpper chestUpper neckLower head",
        "lCollar lShldrBend lForearmBend lHand lThighBend lShin lFoot lToe",
        [(" l", " r"), ("lC", "rC"), ("lS", "rS"), ("lF", "rF"), ("lT", "rT"), ("lM", "rM")],
        hang={"L_hip": "pelvis", "R_hip": "pelvis"},
        chain={
            ("spine2", "spine3"): "chestLower",
            ("neck", "head"): "neckUpper",
            ("L_shoulder", "L_elbow"): "lShldrTwist",
            ("L_elbow", "L_wrist"): "lForearmTwist",
            ("L_hip", "L_knee"): "lThighTwist",
            ("L_ankle", "L_foot"): "lMetatarsals",
        },
    ),
    _preset(
        "Daz Genesis 9",
        "hip spine1 spine2 spine4 neck1 head",
        "l_shoulder l_upperarm l_forearm l_hand l_thigh l_shin l_foot l_toes",
        [("l_", "r_")],
        pose="A",
        hang={"L_hip": "pelvis", "R_hip": "pelvis"},
        chain={
            ("spine2", "spine3"): "spine3",
            ("neck", "head"): "neck2",
            ("L_ankle", "L_foot"): "l_metatarsals",
        },
        leaves={
            "l_upperarmtwist1": ("L_shoulder", "L_elbow", 0.3),
            "l_forearmtwist2": ("L_elbow", "L_wrist", 0.6),
        },
    ),
    _preset(
        "by geometry",
        "b0 b1 b2 b3 b4 b5",
        "p0 p1 p2 p3 p4 p5 p6 p7",
        [("p", "q")],
        pose="A",
    ),
)


def preset_rig(preset: Preset, seed: int = 0) -> Rig:
    """The rig of a preset: a body with bones of 90 to 110 % of the default's, on the floor in its rest pose."""
    rng = np.random.default_rng(seed)
    rest = DEFAULT_REST * preset.scale
    shape = rng.uniform(0.9, 1.1, (JOINTS, 1))
    shape[[2, 5, 8, 11, 14, 17, 19, 21]] = shape[[1, 4, 7, 10, 13, 16, 18, 20]]
    joints = fk(unit_rotations() if preset.pose == "T" else a_pose(), np.zeros(3), rest * shape)
    joints[:, 1] -= joints[:, 1].min() - 0.03 * preset.scale
    at = dict(zip(JOINT_NAMES, joints @ Z_UP.T, strict=True))
    table = preset.table
    bones: dict[str, tuple[str | None, np.ndarray]] = {}
    above = None
    for name in preset.above.split():
        bones[name] = (above, np.zeros(3))
        above = name
    for joint, bone in sorted(table.items(), key=lambda item: JOINT_NAMES.index(item[0])):
        over = _above(joint, table)
        parent = table[over] if over else above
        if over and (over, joint) in preset.chain:
            names = preset.chain[over, joint].split()
            for n, name in enumerate(names):
                share = (n + 1) / (len(names) + 1)
                bones[name] = (parent, at[over] + share * (at[joint] - at[over]))
                parent = name
        if joint in preset.hang:
            bones.setdefault(preset.hang[joint], (parent, at[over]))
            parent = preset.hang[joint]
        bones[bone] = (parent, at[joint])
    for name, (joint, to, share) in preset.leaves.items():
        bones[name] = (table[joint], at[joint] + share * (at[to] - at[joint]))
    return _rig(bones, rng)


def _above(joint: str, table: dict[str, str]) -> str | None:
    k = int(PARENTS[JOINT_NAMES.index(joint)])
    while k >= 0 and JOINT_NAMES[k] not in table:
        k = int(PARENTS[k])
    return JOINT_NAMES[k] if k >= 0 else None


def _rig(bones: dict[str, tuple[str | None, np.ndarray]], rng: np.random.Generator) -> Rig:
    """Bones by name -> parent and head, in any orientation."""
    names = tuple(bones)
    spins = rng.standard_normal((len(names), 4))
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, :3] = quat_to_matrix(spins / np.linalg.norm(spins, axis=1, keepdims=True))
    rest[:, :3, 3] = [head for _, head in bones.values()]
    parents = np.array([names.index(parent) if parent else -1 for parent, _ in bones.values()])
    return Rig(name="rig", names=names, parents=parents, rest=rest)
