"""One person's motion as a capture file has it: any tree of joints."""

from dataclasses import dataclass, field

import numpy as np

from .rotations import quat_apply, quat_multiply


@dataclass(frozen=True)
class Captured:
    """A skeleton and its motion, lengths in metres; at rest every joint's axes are those of the world.

    Global rotation G_k = G_parent R_k, position p_k = p_parent + G_parent offset_k; the positions of the
    root and of joints that travel are given apart.
    """

    names: list[str]
    parents: np.ndarray  # (N,) int, -1 for the root, parents first
    offsets: np.ndarray  # (N, 3)
    rotations: np.ndarray  # (T, N, 4) local quaternions w, x, y, z
    root: np.ndarray  # (T, 3)
    fps: float
    travel: dict[int, np.ndarray] = field(default_factory=dict)
    """Positions (T, 3) from the parent of the other joints that move in it; the rest stay at their offsets."""

    def place(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, N, 3) and rotations (T, N, 4) of all joints in the world."""
        positions = np.zeros((*self.rotations.shape[:2], 3))
        spins = self.rotations.copy()
        positions[:, 0] = self.root
        for joint, parent in enumerate(self.parents[1:], 1):
            spins[:, joint] = quat_multiply(spins[:, parent], self.rotations[:, joint])
            offset = self.travel[joint] if joint in self.travel else self.offsets[joint]
            positions[:, joint] = positions[:, parent] + quat_apply(spins[:, parent], offset)
        return positions, spins

    def rest(self) -> np.ndarray:
        """Positions (N, 3) at rest, the root at the origin."""
        positions = np.zeros_like(self.offsets)
        for joint, parent in enumerate(self.parents[1:], 1):
            positions[joint] = positions[parent] + self.offsets[joint]
        return positions
