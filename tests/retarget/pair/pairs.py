"""Two people who shake hands or embrace, and pairs of bodies unlike theirs."""

import numpy as np

from intermamba.motion.collide import overlaps, push_out
from intermamba.motion.features import foot_contacts
from intermamba.motion.filters import smoothstep
from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.metrics import foot_skate
from intermamba.motion.motion import Motion
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    L_ELBOW,
    L_WRIST,
    PELVIS,
    R_ELBOW,
    R_WRIST,
    SPINE1,
    SPINE2,
    SPINE3,
)
from intermamba.motion.touch import Touch, keep_touches
from intermamba.retarget import Rig
from intermamba.retarget.pair.bodies import Pair
from tests.clips import synthetic_pair
from tests.motion.people import face_to_face
from tests.retarget.rigs import a_pose, make_rig

SHAKE = Touch(0, "right_hand", "right_hand", 20, 36)
ARMS = (L_ELBOW, R_ELBOW, L_WRIST, R_WRIST)
EMBRACE = [
    Touch(person, hand, on, 14, 28, (12, 12), offset=offset, elbow=(0.25, 0.15, 0.0))
    for person in (0, 1)
    for hand, on, offset in (
        ("right_hand", "upper_back", (0.05, 0.02, 0.0)),
        ("left_hand", "back", (-0.06, -0.03, 0.0)),
    )
]


def handshake(frames: int = 56) -> Motion:
    """Two people of different size who step in time and hold right hands for half a second."""
    motion = synthetic_pair(frames)
    joints = keep_touches(motion.joints.astype(float), [SHAKE])
    return as_motion(joints, motion.rest, "two people shake hands", motion.rotations)


def embrace(frames: int = 40) -> Motion:
    """Two people of one size who stand chest to chest, their arms round each other for half a second."""
    joints = face_to_face(0.36, frames)
    joints[1, ..., 0] += 0.1
    joints = keep_touches(push_out(keep_touches(joints, EMBRACE), EMBRACE), EMBRACE)
    return as_motion(joints, np.stack([DEFAULT_REST] * 2), "two people embrace")


def toe_to_toe(frames: int = 36) -> Motion:
    """Two people of one size: one stands, and the other's feet come down between theirs and touch nothing."""
    joints = face_to_face(0.24, frames)
    joints[1, ..., 0] += 0.08
    joints[1, ..., 1] += 0.3 * smoothstep(np.arange(frames), 20, 8)[:, None]
    return as_motion(joints, np.stack([DEFAULT_REST] * 2), "one person jumps to the other")


def as_motion(
    joints: np.ndarray, rest: np.ndarray, prompt: str = "", near: np.ndarray | None = None
) -> Motion:
    """The motion of joints (2,T,22,3) on rest offsets (2,22,3); its twist is that of rotations `near`."""
    rotations, root = fit_rotations(joints, rest, near), joints[:, :, PELVIS]
    joints = fk(rotations, root, rest[:, None].astype(float))
    return Motion(joints, rotations, root, rest, foot_contacts(joints), 30.0, prompt)


def rig(height: float, arms: float = 1.0, pose: str = "T") -> Rig:
    """A rig so many times as tall as an adult of 1.7 m, and with arms so many times as long as that makes them."""
    rest = height * DEFAULT_REST
    rest[list(ARMS)] *= arms
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


def arm_in_trunk(pair: Pair) -> np.ndarray:
    """How deep (T,) in metres, at the deepest, an arm of either is in the other's back and belly, touches or not."""
    found, out = overlaps(pair.joints, (), 0.0, pair.girth), np.zeros(pair.joints.shape[1])
    arm, trunk = (np.isin(found.bones, part) for part in (ARMS, (SPINE1, SPINE2, SPINE3)))
    mine = (arm & trunk[::-1]).any(axis=0)
    np.maximum.at(out, found.frame[mine], found.depth[mine])
    return out
