"""Ways through a rig's bones."""

from .rig import Rig


def ancestors(rig: Rig, bone: int) -> list[int]:
    """The bone and all above it, upwards."""
    out = []
    while bone >= 0 and len(out) < len(rig.names):  # a control rig's bones may follow each other in a ring
        out.append(bone)
        bone = int(rig.parents[bone])
    return out


def between(rig: Rig, above: int, below: int) -> list[int]:
    """Bones strictly between two, downwards; empty where `below` does not hang on `above`."""
    line = ancestors(rig, below)
    return line[1 : line.index(above)][::-1] if above in line else []


def meeting(rig: Rig, one: int, other: int) -> int | None:
    """The lowest bone that both hang on."""
    line = set(ancestors(rig, other))
    return next((bone for bone in ancestors(rig, one) if bone in line), None)


def children(rig: Rig) -> list[list[int]]:
    """Indices of every bone's children."""
    out: list[list[int]] = [[] for _ in rig.names]
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            out[parent].append(bone)
    return out
