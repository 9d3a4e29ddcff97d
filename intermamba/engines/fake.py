"""An engine without weights, for tests and demonstrations: two people march on the spot and reach for each other."""

import time
from pathlib import Path

import numpy as np

from ..bundles.bundle import Bundle
from ..motion.features import FEATURES, encode
from ..motion.kinematics import fk
from ..motion.placement import TOE_HEIGHT
from ..motion.rotations import quat_from_axis_angle, quat_multiply, yaw_quat
from ..motion.skeleton import (
    DEFAULT_REST,
    JOINTS,
    L_ANKLE,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    R_ELBOW,
    R_HIP,
    R_KNEE,
    R_SHOULDER,
    SPINE2,
)
from .base import Engine

FPS = 30.0
DISTANCE = 0.9  # between the two people, metres
BEATS_PER_SECOND = 1.5
_X, _Y, _Z = np.eye(3)
_CONFIG = {
    "name": "fake",
    "version": "0",
    "model": {},
    "fps": FPS,
    "max_frames": 300,
    "defaults": {"steps": 10, "guidance": 1.0, "sampler": "dpm++"},
    "files": {},
}


class FakeEngine(Engine):
    """A network that knows the answer: it goes the whole way of sampling, with every step as long as you like."""

    name = "fake"

    def __init__(self, delay: float = 0.0) -> None:
        """`delay` is how many seconds each call of the network takes."""
        std = np.ones(FEATURES, np.float32)
        super().__init__(Bundle(Path("fake"), _CONFIG, 0 * std, std, DEFAULT_REST.astype(np.float32), []))
        self.delay = delay

    def encode(self, prompt: str) -> np.ndarray:
        """Return a condition (1, 1) that differs between prompts, so that they can be told apart."""
        return np.full((1, 1), sum(prompt.encode()) % 97 / 97, np.float32)

    def warning(self, prompt: str) -> str:
        """Return the warning that a bundle without swimming would give, so that what shows it can be tried."""
        return (
            f'"{prompt}" is far from what this model knows; nearest: "Two people march".'
            if "swim" in prompt
            else ""
        )

    def condition(self, tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the condition (B, 1)."""
        return np.zeros((len(tokens), 1), np.float32)

    def denoise(self, x: np.ndarray, t: int, cond: np.ndarray) -> np.ndarray:
        """Return the features of the marching pair for each x (B, 2, T, 262), shifted in time by cond (B, 1)."""
        time.sleep(self.delay)
        return np.stack([encode(*march(x.shape[2] + 1, float(phase))) for phase in cond[:, 0]])


def march(frames: int, phase: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return joints (2, T, 22, 3) and rotations (2, T, 22, 4) of two people who march facing each other.

    `phase` shifts them in time, in beats; the second person steps with the other foot.
    """
    beat = np.arange(frames) / FPS * BEATS_PER_SECOND + phase
    people = []
    for person, (z, yaw) in enumerate([(0.0, 0.0), (DISTANCE, np.pi)]):
        rotations = _rotations(beat + person)
        rotations[:, 0] = yaw_quat(yaw)
        standing = TOE_HEIGHT - DEFAULT_REST[[L_HIP, L_KNEE, L_ANKLE, L_FOOT], 1].sum()
        root = np.tile([0.0, standing, z], (frames, 1))
        people.append((fk(rotations, root, DEFAULT_REST), rotations))
    joints, rotations = (np.stack(arrays) for arrays in zip(*people, strict=True))
    return joints, rotations


def _rotations(beat: np.ndarray) -> np.ndarray:
    """Local rotations (T, 22, 4): on even beats the left foot is lifted, on odd ones the right."""
    rotations = np.zeros((len(beat), JOINTS, 4))
    rotations[..., 0] = 1
    wave = np.sin(np.pi * beat)
    for side, hip, knee, shoulder, elbow in (
        (1, L_HIP, L_KNEE, L_SHOULDER, L_ELBOW),
        (-1, R_HIP, R_KNEE, R_SHOULDER, R_ELBOW),
    ):
        lift = 0.6 * np.maximum(side * wave, 0) ** 2
        rotations[:, hip] = quat_from_axis_angle(_X, -lift)
        rotations[:, knee] = quat_from_axis_angle(_X, 2 * lift)
        lowered = quat_from_axis_angle(_Z, np.full_like(beat, -0.5 * side))
        rotations[:, shoulder] = quat_multiply(quat_from_axis_angle(_Y, side * (-1.1 + 0.2 * wave)), lowered)
        rotations[:, elbow] = quat_from_axis_angle(_Y, np.full_like(beat, -0.4 * side))
    rotations[:, SPINE2] = quat_from_axis_angle(_Y, 0.15 * wave)
    return rotations
