"""A rig at rest: names, tree and where each bone is."""

from dataclasses import dataclass, field

import numpy as np

from ..errors import RetargetError

# An object's three scales may differ by this much before its bones can no longer be turned faithfully.
_SCALE_TOLERANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class Rig:
    """The bones of one armature at rest, in a world with Z up, as in Blender.

    names: B bone names; parents: (B,) index of the bone that each moves with, or -1; rest: (B,4,4) bone matrices in
    armature space, whose origin is the bone's head; world: (4,4) armature space to world in metres, with one positive
    scale; free: (B,) bool, bones that deform the body and that nothing but keys moves, all by default.
    Raises RetargetError when the scale is mirrored or uneven.
    """

    name: str
    names: tuple[str, ...]
    parents: np.ndarray
    rest: np.ndarray
    world: np.ndarray = field(default_factory=lambda: np.eye(4))
    free: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __post_init__(self) -> None:
        if len(self.free) != len(self.names):
            object.__setattr__(self, "free", np.ones(len(self.names), dtype=bool))
        axes = np.linalg.norm(self.world[:3, :3], axis=0)
        uneven = axes.max() > (1.0 + _SCALE_TOLERANCE) * axes.min()
        if uneven or axes.min() <= 0.0 or np.linalg.det(self.world[:3, :3]) <= 0.0:
            raise RetargetError(
                f'Armature "{self.name}" is scaled unevenly or mirrored: apply its scale first.'
            )

    @property
    def scale(self) -> float:
        """Metres per armature unit."""
        return float(np.cbrt(np.linalg.det(self.world[:3, :3])))

    def heads(self) -> np.ndarray:
        """Bone heads (B,3) in the world, in metres."""
        return self.rest[:, :3, 3] @ self.world[:3, :3].T + self.world[:3, 3]

    def orientations(self) -> np.ndarray:
        """Bone axes (B,3,3) in the world, as rotation matrices."""
        return (self.world[:3, :3] / self.scale) @ self.rest[:, :3, :3]

    def index(self, bone: str) -> int:
        """Place of a bone in `names`."""
        return self.names.index(bone)
