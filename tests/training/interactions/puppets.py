"""Plain puppets that act out every interaction, for the tests of the measures: rigid trunks, limbs by IK."""

from collections.abc import Callable

import numpy as np

from intermamba.motion.ik import two_bone_ik
from intermamba.motion.placement import TOE_HEIGHT
from intermamba.motion.rotations import quat_apply, quat_from_axis_angle, yaw_quat
from intermamba.motion.skeleton import ARMS, DEFAULT_REST, JOINTS, L_FOOT, LEGS, PARENTS, PELVIS, R_FOOT

FPS = 30.0
SECONDS = 4.0
T = np.arange(round(SECONDS * FPS)) / FPS
REST = DEFAULT_REST
STANDING = TOE_HEIGHT - REST[[*LEGS[0][1:], L_FOOT], 1].sum()
SIDES = {"left": 1.0, "right": -1.0}
_X = np.array([1.0, 0.0, 0.0])
Scene = Callable[[], np.ndarray]


def ease(start: float, stop: float) -> np.ndarray:
    """0 before `start`, 1 after `stop` (s), smooth between."""
    x = np.clip((T - start) / (stop - start), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def pulse(start: float, up: float, down: float, stop: float) -> np.ndarray:
    """0, then 1 from `up` to `down`, then 0 again."""
    return ease(start, up) - ease(down, stop)


def blend(a: tuple, b: tuple, share: np.ndarray) -> np.ndarray:
    """Points (T, 3) on the way from one to another."""
    return np.array(a) + share[:, None] * (np.array(b) - np.array(a))


def hanging(side: str) -> tuple[float, float, float]:
    return (0.22 * SIDES[side], 0.92, 0.05)


def reach(side: str, to: tuple, share: np.ndarray) -> np.ndarray:
    """A wrist (T, 3) from where it hangs to a place and back, to the left, up and forward of the person."""
    return blend(hanging(side), to, share)


def puppet(
    x: np.ndarray | float = 0.0,
    z: np.ndarray | float = 0.0,
    yaw: np.ndarray | float = 0.0,
    sink: np.ndarray | float = 0.0,
    bend: np.ndarray | float = 0.0,
    gait: float = 0.0,
    hands: dict[str, np.ndarray] | None = None,
    feet: dict[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Joints (T, 22, 3): pelvis over (x, z), turned by yaw, lowered by `sink` m, trunk bent forward by degrees.

    `hands` are wrists and `feet` ankles (T, 3), as the person sees them; `gait` is the reach of walking feet.
    """
    still = np.zeros_like(T)
    joints = np.zeros((len(T), JOINTS, 3))
    joints[:, PELVIS, 1] = STANDING - sink
    lean = quat_from_axis_angle(_X, np.radians(still + bend))
    for joint in range(1, JOINTS):
        turned = quat_apply(lean, REST[joint]) if joint not in (1, 2) else REST[joint]
        joints[:, joint] = joints[:, PARENTS[joint]] + turned
    for (_, shoulder, elbow, wrist), side in zip(ARMS, SIDES, strict=True):
        target = (hands or {}).get(side, np.tile(hanging(side), (len(T), 1)))
        _limb(joints, (shoulder, elbow, wrist), target, np.array([0.3 * SIDES[side], -1.0, -0.3]))
    for (_, hip, knee, ankle), toe, side in zip(LEGS, (L_FOOT, R_FOOT), SIDES, strict=True):
        stride = SIDES[side] * np.sin(2 * np.pi * T)
        floor = TOE_HEIGHT - REST[toe, 1]
        walking = np.stack(
            [
                still + 0.09 * SIDES[side],
                floor + 0.15 * gait * np.maximum(np.cos(2 * np.pi * T) * SIDES[side], 0),
                gait * stride,
            ],
            -1,
        )
        _limb(joints, (hip, knee, ankle), (feet or {}).get(side, walking), np.array([0.0, 0.0, 1.0]))
        joints[:, toe] = joints[:, ankle] + REST[toe]
    place = np.stack([still + x, still, still + z], axis=-1)
    return quat_apply(yaw_quat(still + yaw)[:, None], joints) + place[:, None]


def _limb(joints: np.ndarray, chain: tuple[int, int, int], target: np.ndarray, pole: np.ndarray) -> None:
    root, middle, end = chain
    lengths = float(np.linalg.norm(REST[middle])), float(np.linalg.norm(REST[end]))
    joints[:, middle], joints[:, end] = two_bone_ik(joints[:, root], target, pole, lengths)


def facing_pair(distance: float, one: dict, other: dict) -> np.ndarray:
    """Two puppets (2, T, 22, 3) face to face; `z` of the other is counted from where it stands."""
    return np.stack(
        [
            puppet(**one),
            puppet(**{**other, "z": distance - other.get("z", 0.0), "yaw": np.pi + other.get("yaw", 0.0)}),
        ]
    )


def guard(**strikes: np.ndarray) -> dict[str, np.ndarray]:
    """Fists before the chest; a strike (T,) stretches that arm forward."""
    return {
        side: blend((0.12 * SIDES[side], 1.3, 0.15), (0.0, 1.4, 0.6), strikes.get(side, 0 * T))
        for side in SIDES
    }
