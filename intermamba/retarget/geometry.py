"""Which bone is which joint, by where the bones are: for rigs whose names say nothing.

A body that stands at rest has two lowest ends, its feet, and two ends that lie furthest to the sides of what is
above the hips, its hands; the legs meet in the pelvis, the arms in the chest, and the head is the highest end.
"""

import numpy as np

from ..motion.rotations import normalise
from .rig import Rig
from .tree import ancestors, between, children, meeting

# Feet and hands are pairs whose heights differ by no more than this share of the body's height.
_LEVEL = 0.08
# A bone flatter than this (sine of its slope) below the shin is the foot.
_FLAT = 0.75


def map_by_geometry(rig: Rig) -> dict[str, str]:
    """Joint name -> bone name, as far as the shape shows them."""
    if len(rig.names) < 8:
        return {}
    heads, below = rig.heads(), children(rig)
    ends = [bone for bone in range(len(rig.names)) if not below[bone]]
    feet = _pair(rig, heads, sorted(ends, key=lambda bone: heads[bone, 2])[:8], outward=False)
    if feet is None:
        return {}
    pelvis = meeting(rig, *feet)
    if pelvis is None:
        return {}
    legs = [[*between(rig, pelvis, foot), foot] for foot in feet]
    upper = [bone for bone in ends if pelvis in ancestors(rig, bone) and not _on_any(rig, bone, legs)]
    hands = _pair(rig, heads, upper, outward=True)
    chest = meeting(rig, *hands) if hands else None
    if min(map(len, legs)) < 3 or hands is None or chest is None:
        return {}
    joints = {"pelvis": pelvis, **_spine(rig, pelvis, chest), **_neck(rig, heads, chest, upper)}
    joints |= _sided(rig, heads, legs, [[*between(rig, chest, hand), hand] for hand in hands], below)
    return {joint: rig.names[bone] for joint, bone in joints.items() if bone is not None}


def _on_any(rig: Rig, bone: int, chains: list[list[int]]) -> bool:
    line = set(ancestors(rig, bone))
    return any(chain[0] in line for chain in chains)


def _pair(rig: Rig, heads: np.ndarray, ends: list[int], *, outward: bool) -> tuple[int, int] | None:
    """The two ends that lie level, apart, and on branches of like length: the furthest apart, or the lowest."""
    height = np.ptp(heads[:, 2])
    found = []
    for n, one in enumerate(ends):
        for other in ends[n + 1 :]:
            root = meeting(rig, one, other)
            apart = float(np.linalg.norm((heads[one] - heads[other])[:2]))
            level = abs(heads[one, 2] - heads[other, 2]) < _LEVEL * height
            if root is None or not level or apart < 0.02 * height:
                continue
            lengths = [_length(heads, [root, *between(rig, root, end), end]) for end in (one, other)]
            if min(lengths) < 0.9 * max(lengths) or min(lengths) < 0.3 * height:
                continue
            found.append((apart if outward else -(heads[one, 2] + heads[other, 2]), (one, other)))
    return max(found)[1] if found else None


def _length(heads: np.ndarray, chain: list[int]) -> float:
    return float(np.linalg.norm(np.diff(heads[chain], axis=0), axis=1).sum())


def _spine(rig: Rig, pelvis: int, chest: int) -> dict[str, int]:
    if chest == pelvis:
        return {}
    return spine_joints([*between(rig, pelvis, chest), chest])


def spine_joints(chain: list[int]) -> dict[str, int]:
    """The three joints of the spine in a chain of bones from above the pelvis to the chest."""
    out = {"spine3": chain[-1]}
    if len(chain) > 1:
        out["spine1"] = chain[0]
    if len(chain) > 2:
        out["spine2"] = chain[(len(chain) - 1) // 2]
    return out


def _neck(rig: Rig, heads: np.ndarray, chest: int, upper: list[int]) -> dict[str, int]:
    top = max(upper, key=lambda bone: heads[bone, 2])
    if chest not in ancestors(rig, top):
        return {}
    chain = [*between(rig, chest, top), top]
    return {"head": chain[0]} if len(chain) == 1 else {"neck": chain[0], "head": chain[1]}


def _sided(
    rig: Rig, heads: np.ndarray, legs: list[list[int]], arms: list[list[int]], below: list[list[int]]
) -> dict[str, int]:
    parts = [_leg(heads, chain) for chain in legs]
    forward = sum(heads[leg["foot"]] - heads[leg["ankle"]] for leg in parts if "foot" in leg)
    if not np.any(forward):
        forward = np.array([0.0, -1.0, 0.0])  # as figures stand in Blender
    left = np.cross([0.0, 0.0, 1.0], forward)
    out = {}
    for chains in (parts, [_arm(rig, heads, chain, below) for chain in arms]):
        ends = [chain.get("ankle", chain.get("wrist", chain.get("elbow"))) for chain in chains]
        first = "LR" if (heads[ends[0]] - heads[ends[1]]) @ left > 0 else "RL"
        for side, chain in zip(first, chains, strict=True):
            out |= {f"{side}_{joint}": bone for joint, bone in chain.items()}
    return out


def _leg(heads: np.ndarray, chain: list[int]) -> dict[str, int]:
    """Hip, knee, ankle and toes of a chain from the hip down."""
    slope = -normalise(np.diff(heads[chain], axis=0))[:, 2]
    flat = [n for n in range(2, len(chain) - 1) if slope[n] < _FLAT]
    ankle = flat[0] if flat else len(chain) - 1
    middle = 0.5 * (heads[chain[0], 2] + heads[chain[ankle], 2])
    knee = min(range(1, ankle), key=lambda n: abs(heads[chain[n], 2] - middle))
    out = {"hip": chain[0], "knee": chain[knee], "ankle": chain[ankle]}
    return out | ({"foot": chain[ankle + 1]} if ankle + 1 < len(chain) else {})


def _arm(rig: Rig, heads: np.ndarray, chain: list[int], below: list[list[int]]) -> dict[str, int]:
    """Collar, shoulder, elbow and wrist: the hand is where fingers part, or the end of the longest two bones."""
    parting = [n for n, bone in enumerate(chain) if len(below[bone]) > 2]
    stop = parting[0] if parting else len(chain) - 1
    spans = np.linalg.norm(np.diff(heads[chain[: stop + 1]], axis=0), axis=1)
    if len(spans) < 2:
        return {"shoulder": chain[0], "elbow": chain[-1]} if len(chain) > 1 else {}
    upper = int(np.argmax(spans[:-1] + spans[1:])) if not parting else len(spans) - 2
    out = {"shoulder": chain[upper], "elbow": chain[upper + 1], "wrist": chain[upper + 2]}
    return out | ({"collar": chain[0]} if upper > 0 else {})
