"""How unlike the takes of a prompt are: `python -m training.evaluate.variety MOTIONS [--data FOLDER]`.

MOTIONS are what training.evaluate.success kept; FOLDER has clips to compare with, of the same interactions. What is
told is how far apart, on average, a joint of one take is from the same joint of another at the same time, in the middle
of the clips, with the pairs laid over each other. Takes that are all one motion are 0 cm apart.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.motion import load_motion
from training.data.clips import load_clips

FRAMES = 96
MOST = 12  # clips of a kind that are compared, each with each
Groups = dict[str, list[list[NDArray[np.float32]]]]
"""By interaction: lists of what is compared with each other."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.variety", description=__doc__)
    parser.add_argument("motions", type=Path, help="folder of motions that training.evaluate.success kept")
    parser.add_argument("--data", type=Path, help="folder of clips, as training takes them")
    options = parser.parse_args(arguments)
    try:
        made = takes(options.motions)
        print(table(made, real(options.data) if options.data else {}))
    except IntermambaError as error:
        print(f"variety: {error}", file=sys.stderr)
        return 1
    return 0


def takes(folder: Path) -> Groups:
    """The motions of a folder by interaction, those of one prompt together."""
    prompts: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    for path in sorted(folder.glob("*.npz")):
        motion, name = load_motion(path), path.stem.rsplit("_", 3)[0]
        if motion.frames >= FRAMES:
            prompts.setdefault((name, motion.prompt), []).append(laid(motion.joints))
    if not prompts:
        raise IntermambaError(f"{folder} holds no motions of {FRAMES} frames or more: give what --keep kept.")
    return _by_interaction(prompts)


def real(folder: Path) -> Groups:
    """The clips of a folder by interaction, those of one variant together."""
    variants: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    for clip in load_clips(folder):
        if clip.frames >= FRAMES:
            variants.setdefault((clip.interaction, str(clip.variant)), []).append(laid(clip.joints))
    return _by_interaction(variants)


def laid(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle FRAMES of joints (2,T,22,3), with the origin between the two at first, and B on the +Z side of A."""
    start = (joints.shape[1] - FRAMES) // 2
    joints = joints[:, start : start + FRAMES]
    first, second = joints[:, 0, 0] * [1, 0, 1]
    x, _, z = (second - first) / max(float(np.linalg.norm(second - first)), 1e-9)
    turn = np.array([[z, 0, x], [0, 1, 0], [-x, 0, z]])
    return ((joints - (first + second) / 2) @ turn).astype(np.float32)


def apart(group: Sequence[NDArray[np.float32]]) -> float:
    """How far, in centimetres, the same joint is from itself in another of the group (2,FRAMES,22,3) on average."""
    return 100 * fmean(float(np.linalg.norm(a - b, axis=-1).mean()) for a, b in combinations(group, 2))


def table(made: Groups, others: Groups) -> str:
    """Markdown: of each interaction, how far its takes are apart, and how far other clips of it are."""
    lines = ["| interaction | takes, cm | real clips, cm |", "|---|---|---|"]
    rows = [(name, _mean(made[name]), _mean(others.get(name, []))) for name in sorted(made)]
    compared = [row for row in rows if not np.isnan(row[2])] or rows
    mean = "**mean**", *(float(np.mean(column)) for column in list(zip(*compared, strict=True))[1:])
    return "\n".join(
        [*lines, *(f"| {name} | {_cell(one)} | {_cell(other)} |" for name, one, other in [*rows, mean])]
    )


def _by_interaction(groups: dict[tuple[str, str], list[NDArray[np.float32]]]) -> Groups:
    found: Groups = {}
    for (name, _), group in groups.items():
        found.setdefault(name, []).append(group[:MOST])
    return found


def _mean(groups: Iterable[list[NDArray[np.float32]]]) -> float:
    several = [apart(group) for group in groups if len(group) > 1]
    return fmean(several) if several else float("nan")


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
