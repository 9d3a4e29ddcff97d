"""Joints of a motion -> bone rotations of any humanoid rig. numpy only."""

from .bonemap import map_bones
from .rig import Rig
from .transfer import Pose, pair_frame, retarget

__all__ = ["Pose", "Rig", "map_bones", "pair_frame", "retarget"]
