"""Where the 22 joints of our body are in the skeleton of a capture file, and which of its bones turns each.

Known by name: CMU's own skeleton (ASF), and the two of Bruce Hahne's BVH conversions of that database, one of which has
lost the bones `thorax` and `wrist`. For all others bones are told as for an armature in Blender.
"""

from dataclasses import dataclass, replace

import numpy as np

from intermamba.errors import IntermambaError, RetargetError
from intermamba.motion.captured import Captured
from intermamba.motion.skeleton import JOINT_NAMES
from intermamba.retarget import Rig, map_bones

COLLAR_SHARE = 0.35  # of the way from the breastbone to the shoulder
TOE_SHARE = 0.72  # of the way from the ankle to the tip of the foot is its ball
NEAR = 0.02  # metres: two joints this near are one


@dataclass(frozen=True)
class Spot:
    """A joint of ours: at `bone`, or a share of the way `toward` another; it turns as `turns` (as `bone` if empty)."""

    bone: str
    toward: str = ""
    share: float = 0.0
    turns: str = ""

    @property
    def carrier(self) -> str:
        """The bone it turns with."""
        return self.turns or self.bone


Spots = dict[str, Spot]

_ASF = {
    "pelvis": Spot("root"),
    "spine1": Spot("upperback"),
    "spine2": Spot("thorax"),
    "spine3": Spot("lowerneck", turns="thorax"),
    "neck": Spot("upperneck"),
    "head": Spot("head"),
    "L_collar": Spot("lclavicle", "lhumerus", COLLAR_SHARE),
    "L_shoulder": Spot("lhumerus"),
    "L_elbow": Spot("lradius"),
    "L_wrist": Spot("lhand"),
    "L_hip": Spot("lfemur"),
    "L_knee": Spot("ltibia"),
    "L_ankle": Spot("lfoot"),
    "L_foot": Spot("ltoes"),
}
_MOTIONBUILDER = {
    "pelvis": Spot("Hips"),
    "spine1": Spot("Spine"),
    "spine2": Spot("Spine1"),
    "spine3": Spot("Neck", turns="Spine1"),
    "neck": Spot("Neck1"),
    "head": Spot("Head"),
    "L_collar": Spot("LeftShoulder", "LeftArm", COLLAR_SHARE),
    "L_shoulder": Spot("LeftArm"),
    "L_elbow": Spot("LeftForeArm"),
    "L_wrist": Spot("LeftHand"),
    "L_hip": Spot("LeftUpLeg"),
    "L_knee": Spot("LeftLeg"),
    "L_ankle": Spot("LeftFoot"),
    "L_foot": Spot("LeftToeBase"),
}
_DAZ = {
    "pelvis": Spot("hip"),
    "spine1": Spot("abdomen"),
    "spine2": Spot("chest"),
    "spine3": Spot("chest", "neck", 0.45),
    "neck": Spot("neck"),
    "head": Spot("head"),
    "L_collar": Spot("lCollar"),
    "L_shoulder": Spot("lShldr"),
    "L_elbow": Spot("lForeArm"),
    "L_wrist": Spot("lHand"),
    "L_hip": Spot("lThigh"),
    "L_knee": Spot("lShin"),
    "L_ankle": Spot("lFoot"),
    "L_foot": Spot("lFoot", "lFoot_end", TOE_SHARE),
}


def _both_sides(left: Spots) -> Spots:
    """A table with the right side added, whose bones begin with r instead of l, or Right instead of Left."""

    def right(name: str) -> str:
        return name.replace("Left", "Right") if "Left" in name else "r" + name[1:] if name else ""

    sided = {
        "R" + joint[1:]: Spot(right(s.bone), right(s.toward), s.share, right(s.turns))
        for joint, s in left.items()
        if joint.startswith("L_")
    }
    return left | sided


KNOWN = tuple(map(_both_sides, (_ASF, _MOTIONBUILDER, _DAZ)))


def find_joints(clip: Captured) -> Spots:
    """A spot for each of our 22 joints. Raises IntermambaError naming what is missing."""
    names = set(clip.names)
    for table in KNOWN:
        if {
            name for spot in table.values() for name in (spot.bone, spot.toward, spot.turns) if name
        } <= names:
            return table
    frames = np.tile(np.eye(4), (len(clip.names), 1, 1))
    rig = Rig(name="the capture", names=tuple(clip.names), parents=clip.parents, rest=frames)
    try:
        spots = {joint: Spot(bone) for joint, bone in map_bones(rig).items()}
    except RetargetError as error:
        reason = str(error).partition("(")[2].partition(")")[0]
        raise IntermambaError(f"the skeleton does not look humanoid ({reason}): rename its bones") from error
    _fill_trunk(spots, names)
    for side in "LR":
        _fill_limbs(spots, names, side)
    _part_collars(spots, clip)
    return spots


def _fill_trunk(spots: Spots, names: set[str]) -> None:
    """Joints of the spine that the skeleton lacks lie evenly between those it has; neck and head as it ends."""
    if "head" not in spots:
        _end_of(spots, names, "head", "neck", 0.5)
    if "neck" not in spots:
        spots["neck"] = Spot(spots["spine3"].bone, spots["head"].bone, 0.7)
    low, high = spots["pelvis"].bone, spots["spine3"].bone
    if "spine1" not in spots and "spine2" not in spots:
        spots["spine1"], spots["spine2"] = Spot(low, high, 1 / 3), Spot(low, high, 2 / 3)
    elif "spine2" not in spots:
        spots["spine2"] = Spot(spots["spine1"].bone, high, 0.5)
    elif "spine1" not in spots:
        spots["spine1"] = Spot(low, spots["spine2"].bone, 0.5)


def _fill_limbs(spots: Spots, names: set[str], side: str) -> None:
    if f"{side}_collar" not in spots:
        spots[f"{side}_collar"] = Spot(spots["spine3"].bone, spots[f"{side}_shoulder"].bone, COLLAR_SHARE)
    if f"{side}_wrist" not in spots:
        _end_of(spots, names, f"{side}_wrist", f"{side}_elbow", 1.0)
    if f"{side}_foot" not in spots:
        _end_of(spots, names, f"{side}_foot", f"{side}_ankle", TOE_SHARE)


def _end_of(spots: Spots, names: set[str], joint: str, above: str, share: float) -> None:
    """A joint that the skeleton lacks, on the way to where the bone above it ends."""
    bone = spots[above].bone if above in spots else ""
    if f"{bone}_end" not in names:
        raise IntermambaError(f"the skeleton has no {joint}, and no end of its {above} to take for it")
    spots[joint] = Spot(bone, f"{bone}_end", share)


def _part_collars(spots: Spots, clip: Captured) -> None:
    """Collars that begin at one point, the breastbone, are moved along towards the shoulders."""
    rest = clip.rest()
    left, right = (rest[clip.names.index(spots[f"{side}_collar"].bone)] for side in "LR")
    if np.linalg.norm(left - right) < NEAR:
        for side in "LR":
            bone = spots[f"{side}_collar"].bone
            spots[f"{side}_collar"] = Spot(bone, spots[f"{side}_shoulder"].bone, COLLAR_SHARE)


def restore_lost_bones(clip: Captured) -> Captured:
    """With the bones that one of the CMU conversions has lost: neck and shoulders sit on its chest, at no distance.

    The thorax is about as long as the bone below it, and the `wrist` half as long as the forearm before it.
    """
    chest = ("Neck", "LeftShoulder", "RightShoulder")
    if not {"LowerBack", "Spine1", "LeftHand", "RightHand", *chest} <= set(clip.names):
        return clip
    above = [clip.names.index(name) for name in chest]
    if np.abs(clip.offsets[above]).max() > 0.0:
        return clip
    offsets = clip.offsets.copy()
    offsets[above] = offsets[clip.names.index("Spine1")]
    for name in ("LeftHand", "RightHand"):
        offsets[clip.names.index(name)] *= 1.5
    return replace(clip, offsets=offsets)


def place_joints(clip: Captured, spots: Spots) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Our joints (T,22,3), the same at rest (22,3), and how the bones that carry them turn in the world (T,22,4)."""
    positions, spins = clip.place()
    everything = np.concatenate([positions, clip.rest()[None]])
    index = {name: k for k, name in enumerate(clip.names)}
    joints = np.empty((len(everything), len(JOINT_NAMES), 3))
    turns = np.empty((len(positions), len(JOINT_NAMES), 4))
    for k, name in enumerate(JOINT_NAMES):
        spot = spots[name]
        joints[:, k] = everything[:, index[spot.bone]]
        if spot.toward:
            joints[:, k] += spot.share * (everything[:, index[spot.toward]] - joints[:, k])
        turns[:, k] = spins[:, index[spot.carrier]]
    return joints[:-1], joints[-1], turns
