"""How the bones of the usual rigs are called.

To support one more kind of rig, add a `naming` to `NAMINGS`. The first that has all joints wins, so controls stand
before the bones that they drive. Names are plain: without case, punctuation and prefix, see `bonemap.plain_name`.
"""

from dataclasses import dataclass

_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_SIDE = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")


@dataclass(frozen=True)
class Naming:
    """One family of bone names: joint -> plain names it may have, the left side's, in order of preference.

    prefix: a regular expression. Where it is given, only bones that begin with it count, and it is cut off.
    switches: (bone, custom property, value) that must hold for the bones to be followed.
    """

    title: str
    bones: dict[str, tuple[str, ...]]
    prefix: str = ""
    switches: tuple[tuple[str, str, float], ...] = ()


def naming(title: str, trunk: str, left: str, prefix: str = "", switches: tuple = ()) -> Naming:
    """A Naming of six words for pelvis to head and eight for collar to toes; alternatives by "|", none by "-"."""
    joints = (*_TRUNK, *(f"L_{part}" for part in _SIDE))
    words = [*trunk.split(), *(_left(word) for word in left.split())]
    table = {joint: tuple(word.split("|")) for joint, word in zip(joints, words, strict=True) if word != "-"}
    return Naming(title, table, prefix, switches)


def _left(word: str) -> str:
    return word if word == "-" else "|".join(f"L {name}" for name in word.split("|"))


_RIGIFY_SWITCHES = (
    *(
        (f"{limb}_parent.{side}", name, value)
        for limb in ("upper_arm", "thigh")
        for side in "LR"
        for name, value in (("IK_FK", 1.0), ("FK_limb_follow", 0.0))
    ),
    ("torso", "neck_follow", 1.0),
    ("torso", "head_follow", 1.0),
)
_ARP_SWITCHES = tuple(
    (f"c_{end}_ik.{side}", "ik_fk_switch", 1.0) for end in ("hand", "foot") for side in "lr"
)

# A generated Rigify rig turns its upper body at the second half of the spine, its legs with the torso.
NAMINGS = (
    naming(
        "Rigify",
        "torso - spinefk002 spinefk003 neck head",
        "shoulder upperarmfk forearmfk handfk thighfk shinfk footfk toefk|toe",
        switches=_RIGIFY_SWITCHES,
    ),
    naming(
        "Auto-Rig Pro",
        "crootmasterx cspine01x cspine02x cspine03x cneckx cheadx",
        "cshoulder carmfk cforearmfk chandfk cthighfk clegfk cfootfk ctoesfk",
        switches=_ARP_SWITCHES,
    ),
    naming(
        "Auto-Rig Pro deform bones",
        "rootx spine01x spine02x spine03x neckx headx",
        "shoulder armstretch forearmstretch hand thighstretch legstretch foot toes01",
    ),
    *(
        naming(
            title,
            "spine spine001 spine002 spine003 spine004 spine006|spine005",
            "shoulder upperarm forearm hand thigh shin foot toe",
            prefix,
        )
        for title, prefix in (
            ("Rigify metarig", ""),
            ("Rigify deform bones", "DEF-"),
            ("Rigify ORG bones", "ORG-"),
        )
    ),
    naming(
        "SMPL and SMPL-X",
        "pelvis spine1 spine2 spine3 neck head",
        "collar shoulder elbow wrist hip knee ankle foot",
    ),
    naming(
        "Mixamo and HumanIK",
        "hips spine spine1 spine2 neck head",
        "shoulder arm forearm hand upleg leg foot toebase",
    ),
    naming(
        "HumanIK, with a character's name",
        "hips spine spine1 spine2 neck head",
        "shoulder arm forearm hand upleg leg foot toebase",
        r"\w+?_(?=[A-Z])",
    ),
    naming(
        "Unreal Mannequin",
        "pelvis spine01 spine02 spine03 neck01 head",
        "clavicle upperarm lowerarm hand thigh calf foot ball",
    ),
    naming(
        "VRM, VRoid names",
        "hips spine chest upperchest neck head",
        "shoulder upperarm lowerarm hand upperleg lowerleg foot toebase",
        "J_Bip_(C_)?",
    ),
    naming(
        "VRM",
        "hips spine chest upperchest neck head",
        "shoulder upperarm lowerarm hand upperleg lowerleg foot toes",
    ),
    naming(
        "Character Creator and ActorCore",
        "hip waist spine01 spine02 necktwist01 head",
        "clavicle upperarm forearm hand thigh calf foot toebase",
        "(CC_Base|RL)_",
    ),
    naming(
        "Daz Genesis 3 and 8",
        "hip abdomenlower abdomenupper chestupper necklower head",
        "collar shldrbend forearmbend hand thighbend shin foot toe",
    ),
    naming(
        "Daz Genesis 9",
        "hip spine1 spine2 spine4|spine3 neck1 head",
        "shoulder upperarm forearm hand thigh shin foot toes",
    ),
    naming(
        "common humanoid",
        "hips|pelvis|hip spine|spine1|spine01 chest|spine2|spine02 upperchest|spine3|spine03 neck|neck1|neck01 head",
        "clavicle|collar|shoulder upperarm|uparm|arm forearm|lowerarm|lowarm|elbow hand|wrist "
        "thigh|upperleg|upleg|hip shin|calf|lowerleg|lowleg|leg|knee foot|ankle toe|toes|toebase|ball",
    ),
)
