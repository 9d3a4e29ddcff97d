"""One person's motion on the common skeleton.

Metres, Y up, floor at y = 0, 30 frames a second. A phrase's body starts with the pelvis at x = z = 0, and +Z is where
the person attends: it faces there at the first frame, or, in a fight, its partner stands there (library.py, `toward`).
A body that loops ends in the pose it began with, further on by one turn of the loop.
"""

from dataclasses import dataclass

import numpy as np

from intermamba.motion.filters import smoothstep
from intermamba.motion.kinematics import fk
from intermamba.motion.rotations import (
    quat_apply,
    quat_inverse,
    quat_multiply,
    quat_slerp,
    quat_unroll,
    yaw_quat,
)
from intermamba.motion.skeleton import MIRROR, PELVIS

FPS = 30.0


@dataclass(frozen=True)
class Body:
    """A person who moves: root (T, 3) in metres and local rotations (T, 22, 4) of the common skeleton."""

    root: np.ndarray
    rotations: np.ndarray

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.root)

    def joints(self, rest: np.ndarray) -> np.ndarray:
        """Joints (T, 22, 3) with the bones of `rest` (22, 3)."""
        return fk(self.rotations, self.root, rest)

    def slice(self, start: int, stop: int | None = None) -> "Body":
        """Frames `start` to `stop`, the last not included."""
        return Body(self.root[start:stop], self.rotations[start:stop])

    def moved(self, yaw: float = 0.0, offset: np.ndarray | tuple[float, float] = (0.0, 0.0)) -> "Body":
        """Turned by `yaw` (radians, positive from +Z to +X) about the origin, then shifted by `offset` (x, z) in m."""
        turn = yaw_quat(yaw)
        root = quat_apply(turn, self.root) + np.array([offset[0], 0.0, offset[1]])
        rotations = self.rotations.copy()
        rotations[:, PELVIS] = quat_multiply(turn, rotations[:, PELVIS])
        return Body(root, rotations)

    def mirrored(self) -> "Body":
        """Left and right exchanged: x becomes -x. The skeleton must be as wide on the left as on the right."""
        return Body(self.root * [-1, 1, 1], self.rotations[:, MIRROR] * [1, 1, -1, -1])

    def heading(self) -> np.ndarray:
        """Yaw (T,) in radians of the pelvis: 0 faces +Z, a quarter turn +X. It runs on past a half turn."""
        forward = quat_apply(self.rotations[:, PELVIS], np.array([0.0, 0.0, 1.0]))
        return np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))

    def then(self, other: "Body", settle: int = 0) -> "Body":
        """This body, and `other` from its second frame on, moved so that its first frame lies on the last one here.

        What is left between the two poses fades out over the next `settle` frames; 0 is for poses that agree.
        """
        turn = float(self.heading()[-1] - other.heading()[0])
        placed = other.moved(turn)
        placed = placed.moved(offset=(self.root[-1] - placed.root[0])[[0, 2]])
        gap = quat_multiply(self.rotations[-1], quat_inverse(placed.rotations[0]))
        left = 1.0 - smoothstep(np.arange(placed.frames), 0.0, max(settle, 1))
        still = np.broadcast_to([1.0, 0.0, 0.0, 0.0], gap.shape)
        rotations = quat_multiply(quat_slerp(still, gap, left[:, None]), placed.rotations)
        root = placed.root + left[:, None] * (self.root[-1] - placed.root[0])
        return Body(
            np.concatenate([self.root, root[1:]]),
            quat_unroll(np.concatenate([self.rotations, rotations[1:]]), axis=0),
        )

    def repeated(self, frames: int) -> "Body":
        """A looping body that goes on for at least `frames` frames, cut there."""
        out = self
        while out.frames < frames:
            out = out.then(self)
        return out.slice(0, frames)
