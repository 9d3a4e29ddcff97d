"""A plausible dance of two procedural people, for tests that need a motion and not the captured data."""

import numpy as np

from intermamba.motion.features import foot_contacts
from intermamba.motion.ik import two_bone_ik
from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.motion import Motion
from intermamba.motion.placement import TOE_HEIGHT, place_pair
from intermamba.motion.rotations import quat_apply, quat_from_axis_angle, quat_multiply, yaw_quat
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    JOINTS,
    L_ELBOW,
    L_FOOT,
    L_SHOULDER,
    LEGS,
    NECK,
    PELVIS,
    R_ELBOW,
    R_FOOT,
    R_SHOULDER,
    SPINE1,
    SPINE2,
    SPINE3,
)

FPS = 30.0
BEAT = 15  # frames from step to step


def synthetic_pair(frames: int = 120, seed: int = 0) -> Motion:
    """Two people of different size who step in time, face each other and swing their arms; placed, feet planted."""
    rng = np.random.default_rng(seed)
    rest = np.stack([DEFAULT_REST, 0.94 * DEFAULT_REST])
    people = [_dancer(frames + 1, rest[0], rng, yaw=0.0), _dancer(frames + 1, rest[1], rng, yaw=np.pi)]
    people[1][..., 2] += 0.85
    joints = np.stack(people)
    joints, rotations = place_pair(joints, fit_rotations(joints, rest))
    contacts = foot_contacts(joints)
    root, rotations = joints[:, :-1, PELVIS].astype(np.float32), rotations[:, :-1].astype(np.float32)
    rest = rest.astype(np.float32)
    return Motion(
        joints=fk(rotations, root, rest[:, None]).astype(np.float32),
        rotations=rotations,
        root=root,
        rest=rest,
        contacts=contacts,
        fps=FPS,
        prompt="two people step in time",
        seed=seed,
        model="synthetic",
    )


def _dancer(frames: int, rest: np.ndarray, rng: np.random.Generator, yaw: float) -> np.ndarray:
    """Joints (T, 22, 3): the trunk sways, each foot in turn lifts, travels a little and stands still."""
    time = np.arange(frames)
    phase = np.pi * time / BEAT
    turn = yaw_quat(yaw + 0.3 * np.sin(phase / 4 + rng.uniform(0, 6)))
    rotations = np.zeros((frames, JOINTS, 4))
    rotations[..., 0] = 1.0
    rotations[:, PELVIS] = turn
    for joint in (SPINE1, SPINE2, SPINE3, NECK):
        rotations[:, joint] = quat_from_axis_angle(
            rng.standard_normal(3), 0.1 * np.sin(phase / 2 + rng.uniform(0, 6))
        )
    for shoulder, elbow, side in ((L_SHOULDER, L_ELBOW, 1), (R_SHOULDER, R_ELBOW, -1)):
        swing = 0.4 * np.sin(phase / 2 + rng.uniform(0, 6))
        lower = quat_from_axis_angle(np.array([0, 0, 1.0]), np.full(frames, -1.1 * side))
        rotations[:, shoulder] = quat_multiply(quat_from_axis_angle(np.array([1.0, 0, 0]), swing), lower)
        rotations[:, elbow] = quat_from_axis_angle(
            np.array([0, -1.0 * side, 0]), 0.9 + 0.5 * np.sin(phase / 2)
        )
    leg = -sum(rest[k, 1] for k in LEGS[0][1:]) - rest[L_FOOT, 1] + TOE_HEIGHT
    root = np.stack(
        [0.04 * np.sin(phase), leg - 0.05 + 0.01 * np.cos(2 * phase), 0.05 * np.sin(phase / 2)], -1
    )
    joints = fk(rotations, quat_apply(yaw_quat(yaw), root), rest)
    for (_, hip, knee, ankle), toe, turn_of in ((LEGS[0], L_FOOT, 0), (LEGS[1], R_FOOT, 1)):
        _step(joints, rest, (hip, knee, ankle, toe), yaw, turn_of, rng)
    return joints


def _step(
    joints: np.ndarray, rest: np.ndarray, leg: tuple, yaw: float, turn_of: int, rng: np.random.Generator
) -> None:
    """Put one leg (hip, knee, ankle, toe) of joints (T, 22, 3) on footholds that change every second beat."""
    hip, knee, ankle, toe = leg
    beat, part = np.divmod(np.arange(len(joints)) / BEAT + turn_of, 2.0)
    moving = np.clip(part, 0, 1)
    travel = moving**2 * (3 - 2 * moving)
    holds = rng.uniform([-0.03, 0, -0.12], [0.03, 0, 0.12], (int(beat.max()) + 2, 3))
    spot = holds[beat.astype(int)] + travel[:, None] * np.diff(holds, axis=0)[beat.astype(int)]
    spot[:, 0] += rest[hip, 0] + rest[knee, 0]
    spot[:, 1] = TOE_HEIGHT - rest[toe, 1] + 0.06 * np.sin(np.pi * moving) ** 2
    turn = yaw_quat(yaw)
    target = quat_apply(turn, spot)
    forward = np.broadcast_to(quat_apply(turn, np.array([0, 0, 1.0])), target.shape)
    lengths = float(np.linalg.norm(rest[knee])), float(np.linalg.norm(rest[ankle]))
    joints[:, knee], joints[:, ankle] = two_bone_ik(joints[:, hip], target, forward, lengths)
    joints[:, toe] = joints[:, ankle] + quat_apply(turn, rest[toe])
