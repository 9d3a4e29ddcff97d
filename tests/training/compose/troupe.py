"""A small library of made-up phrases, and scores for it."""

from pathlib import Path

import numpy as np

from intermamba.motion.ik import two_bone_ik
from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.rotations import quat_from_axis_angle, quat_multiply
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    L_SHOULDER,
    LEGS,
    PELVIS,
    R_ELBOW,
    R_SHOULDER,
    SPINE1,
    SPINE2,
)
from training.compose.body import Body
from training.compose.library import Library, Phrase

REST = np.array(DEFAULT_REST)
HEIGHT = 0.94
STEP, STRIDE_FRAMES = 0.7, 32
CAPTIONS = [f"{{one}} greets {{other}} in way {k}." for k in range(14)]
UNSEEN = [f"{{two}} meet in way {k}." for k in range(6)]


def standing(frames: int) -> Body:
    """Somebody who stands, arms down."""
    rotations = np.zeros((frames, 22, 4))
    rotations[..., 0] = 1.0
    rotations[:, L_SHOULDER] = quat_from_axis_angle(np.array([0.0, 0.0, 1.0]), -1.3)
    rotations[:, R_SHOULDER] = quat_from_axis_angle(np.array([0.0, 0.0, 1.0]), 1.3)
    return Body(np.tile([0.0, _standing_height(), 0.0], (frames, 1)), rotations)


def _standing_height() -> float:
    identity = np.zeros((1, 22, 4))
    identity[..., 0] = 1.0
    return float(0.025 - fk(identity, np.zeros((1, 3)), REST)[0, 10, 1])


def bending(frames: int = 50) -> Body:
    """Somebody who bows, deepest in the middle."""
    body = standing(frames)
    angle = 0.5 * np.sin(np.linspace(0, np.pi, frames)) ** 2
    for joint in (SPINE1, SPINE2):
        body.rotations[:, joint] = quat_from_axis_angle(np.array([1.0, 0.0, 0.0]), angle)
    return body


def reaching(frames: int = 40) -> Body:
    """Somebody whose right hand goes forward, farthest in the middle."""
    body = standing(frames)
    rise = np.sin(np.linspace(0, np.pi, frames)) ** 2
    swing = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), 1.3 * rise)
    lift = quat_from_axis_angle(np.array([0.0, 0.0, 1.0]), 1.3 * (1.0 - rise))
    body.rotations[:, R_SHOULDER] = quat_multiply(swing, lift)
    body.rotations[:, R_ELBOW] = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), 0.2)
    return body


def walking() -> Body:
    """One stride of two steps along +Z whose feet stand still on the floor; a loop."""
    t = np.arange(STRIDE_FRAMES + 1)
    speed = 2.0 * STEP / STRIDE_FRAMES
    body = standing(len(t))
    body.root[:, 2] = speed * t
    body.root[:, 1] -= 0.05
    joints = body.joints(REST)
    for side, (_, hip, knee, ankle) in enumerate(LEGS):
        phase = (t / STRIDE_FRAMES + 0.5 * side) % 1.0
        swing = np.clip((phase - 0.5) / 0.5, 0.0, 1.0)
        eased = swing * swing * (3.0 - 2.0 * swing)
        ahead = np.where(phase < 0.5, STEP * (0.5 - 2.0 * phase), STEP * (eased - 0.5))
        floor = fk(standing(1).rotations, standing(1).root, REST)[0, ankle]
        lift = floor[1] + 0.1 * np.sin(np.pi * swing)
        target = np.stack([np.full(len(t), floor[0]), lift, joints[:, PELVIS, 2] + ahead], 1)
        lengths = float(np.linalg.norm(REST[knee])), float(np.linalg.norm(REST[ankle]))
        joints[:, knee], joints[:, ankle] = two_bone_ik(
            joints[:, hip], target, np.array([0.0, 0.0, 1.0]), lengths
        )
        joints[:, ankle + 3] = joints[:, ankle] + REST[ankle + 3]
    return Body(joints[:, PELVIS], fit_rotations(joints, REST))


def phrase(action: str, body: Body, event: int, *, loops: bool = False, side: str | None = None) -> Phrase:
    """A phrase of the made-up clip of its action."""
    return Phrase(action, f"made/{action}", body, event, False, loops, side)


def troupe() -> Library:
    """People who stand, bow, reach out with the right hand, and walk."""
    return Library(
        [
            phrase("stand", standing(60), 30, loops=True),
            phrase("bow", bending(), 25),
            phrase("reach_forward", reaching(), 20, side="right"),
            phrase("walk", walking(), 16, loops=True),
        ],
        REST,
    )


def write_score(folder: Path, text: str, name: str = "greeting") -> Path:
    """A score of a made-up interaction with the captions that every score needs."""
    path = folder / f"{name}.toml"
    lists = f"captions = {CAPTIONS!r}\nunseen = {UNSEEN!r}\n"
    path.write_text(f'name = "{name}"\nseconds = [2.0, 4.0]\n{lists}{text}', encoding="utf-8")
    return path


BOW = """
[place]
beat = "bow"
distance = [1.4, 1.8]
bearing = [-5, 5]
heading = [175, 185]
[first]
phrases = [{ action = "bow", beat = "bow", hold = [0.1, 0.3] }]
[second]
phrases = [{ action = "bow", beat = "bow", delay = [0.1, 0.2] }]
"""
SHAKE = """
touch = true
[place]
beat = "grip"
distance = [0.85, 0.9]
heading = 180
[first]
phrases = [{ action = "reach_forward", beat = "grip", until = "release", side = "right", over = "right_arm" }]
[second]
phrases = [{ action = "reach_forward", beat = "grip", until = "release", side = "right", over = "right_arm" }]
[[gap]]
from = "grip"
to = "release"
seconds = 0.8
[[touches]]
who = "first"
point = "right_hand"
on = "right_hand"
beat = "grip"
until = "release"
"""
WALK = """
[walk]
path = "arc"
radius = [3.0, 4.0]
second = { beside = [0.7, 0.8], side = "left" }
"""
