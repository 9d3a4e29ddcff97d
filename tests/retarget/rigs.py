"""Rigs for the tests, and the obvious way to find where a posed rig's bones are."""

import numpy as np

from intermamba.motion.kinematics import fk
from intermamba.motion.rotations import quat_apply, quat_from_axis_angle, quat_to_matrix
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    JOINT_NAMES,
    JOINTS,
    L_ELBOW,
    L_SHOULDER,
    PARENTS,
    R_ELBOW,
    R_SHOULDER,
)
from intermamba.retarget import Pose, Rig
from intermamba.retarget.transfer import Z_UP

MIXAMO = str.split("""
    Hips LeftUpLeg RightUpLeg Spine LeftLeg RightLeg Spine1 LeftFoot RightFoot Spine2 LeftToeBase RightToeBase Neck
    LeftShoulder RightShoulder Head LeftArm RightArm LeftForeArm RightForeArm LeftHand RightHand
""")


def unit_rotations() -> np.ndarray:
    """Local rotations (22,4) of the T-pose."""
    rotations = np.zeros((JOINTS, 4))
    rotations[:, 0] = 1.0
    return rotations


def a_pose() -> np.ndarray:
    """Local rotations (22,4): arms 50 degrees down, elbows slightly bent."""
    rotations = unit_rotations()
    for shoulder, elbow, side in ((L_SHOULDER, L_ELBOW, 1.0), (R_SHOULDER, R_ELBOW, -1.0)):
        rotations[shoulder] = quat_from_axis_angle(np.array([0.0, 0.0, 1.0]), np.radians(-50.0 * side))
        rotations[elbow] = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.radians(-15.0 * side))
    return rotations


def make_rig(
    rest: np.ndarray = DEFAULT_REST,
    rotations: np.ndarray | None = None,
    names: tuple[str, ...] | list[str] = JOINT_NAMES,
    world: np.ndarray | None = None,
    seed: int = 0,
) -> Rig:
    """A rig whose rest pose is the body `rest` (22,3) posed by local `rotations`; its bones have any orientation."""
    joints = (
        fk(unit_rotations() if rotations is None else rotations, np.array([0.0, 0.95, 0.0]), rest) @ Z_UP.T
    )
    world = np.eye(4) if world is None else world
    spins = quat_to_matrix(random_spins(np.random.default_rng(seed)))
    inverse = np.linalg.pinv(world)
    matrices = np.tile(np.eye(4), (JOINTS, 1, 1))
    matrices[:, :3, :3] = spins
    matrices[:, :3, 3] = joints @ inverse[:3, :3].T + inverse[:3, 3]
    return Rig(name="rig", names=tuple(names), parents=PARENTS, rest=matrices, world=world)


def random_spins(rng: np.random.Generator) -> np.ndarray:
    """Rotations (22,4), uniform."""
    spins = rng.standard_normal((JOINTS, 4))
    return spins / np.linalg.norm(spins, axis=1, keepdims=True)


def posed_heads(rig: Rig, pose: Pose) -> np.ndarray:
    """World positions (T,B,3) of all bones' heads, bone by bone and frame by frame, as Blender defines them."""
    frames = len(pose.location)
    heads = np.empty((frames, len(rig.names), 3))
    for t in range(frames):
        matrices: list[np.ndarray] = []
        for b, name in enumerate(rig.names):
            basis = np.eye(4)
            if name in pose.bones:
                n = pose.bones.index(name)
                basis[:3, :3] = quat_to_matrix(pose.rotations[t, n])
                if n == 0:
                    basis[:3, 3] = pose.location[t]
            parent = rig.parents[b]
            if parent < 0:
                matrices.append(rig.rest[b] @ basis)
            else:
                matrices.append(matrices[parent] @ np.linalg.inv(rig.rest[parent]) @ rig.rest[b] @ basis)
            heads[t, b] = (rig.world @ matrices[b])[:3, 3]
    return heads


def directions(joints: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 21, 3) from each joint's parent to it."""
    bones = joints[..., 1:, :] - joints[..., PARENTS[1:], :]
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def turned(points: np.ndarray, yaw: float) -> np.ndarray:
    """Points (..., 3), Z up, turned about the vertical."""
    return quat_apply(quat_from_axis_angle(np.array([0.0, 0.0, 1.0]), yaw), points)
