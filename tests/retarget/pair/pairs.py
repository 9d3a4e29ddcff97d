"""Two people who shake hands, and pairs of bodies unlike theirs."""

import numpy as np

from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.metrics import foot_skate
from intermamba.motion.motion import Motion
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.skeleton import DEFAULT_REST, L_ELBOW, L_WRIST, PELVIS, R_ELBOW, R_WRIST
from intermamba.motion.touch import Touch, keep_touches
from intermamba.retarget import Rig
from intermamba.retarget.pair.bodies import Pair
from tests.clips import synthetic_pair
from tests.retarget.rigs import a_pose, make_rig

SHAKE = Touch(0, "right_hand", "right_hand", 20, 36)


def handshake(frames: int = 56) -> Motion:
    """Two people of different size who step in time and hold right hands for half a second."""
    motion = synthetic_pair(frames)
    joints = keep_touches(motion.joints.astype(float), [SHAKE])
    rotations = fit_rotations(joints, motion.rest, motion.rotations)
    return Motion(
        joints=fk(rotations, joints[:, :, PELVIS], motion.rest[:, None].astype(float)),
        rotations=rotations,
        root=joints[:, :, PELVIS],
        rest=motion.rest,
        contacts=motion.contacts,
        fps=motion.fps,
        prompt="two people shake hands",
    )


def rig(height: float, arms: float = 1.0, pose: str = "T") -> Rig:
    """A rig so many times as tall as an adult of 1.7 m, and with arms so many times as long as that makes them."""
    rest = height * DEFAULT_REST
    rest[[L_ELBOW, R_ELBOW, L_WRIST, R_WRIST]] *= arms
    return make_rig(rest, a_pose() if pose == "A" else None)


# A 1.9 m and a 1.2 m character, and the other way round; long and short arms.
UNLIKE = {
    "tall and small": (rig(1.12, pose="A"), rig(0.7)),
    "small and tall": (rig(0.7), rig(1.12, pose="A")),
    "long and short arms": (rig(1.0, 1.15), rig(1.0, 0.85, "A")),
}


def skate(pair: Pair, person: int, fps: float) -> float:
    """Foot skate (cm/s) of a person, as if of the source's size."""
    scale = pair.scale[person]
    sole = np.array([0.0, pair.sole[person] / scale - TOE_HEIGHT, 0.0])
    return foot_skate(pair.joints[person] / scale - sole, fps)
