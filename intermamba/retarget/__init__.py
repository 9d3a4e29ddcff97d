"""Joints of a motion -> bone rotations of any humanoid rig. numpy only."""

from .bonemap import BoneMap, check_map, guess_bones, map_bones, missing_joints, recognise
from .rig import Rig
from .transfer import Pose, pair_frame, retarget

__all__ = [
    "BoneMap",
    "Pose",
    "Rig",
    "check_map",
    "guess_bones",
    "map_bones",
    "missing_joints",
    "pair_frame",
    "recognise",
    "retarget",
]
