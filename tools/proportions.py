"""What the pair solver keeps and loses on bodies of other proportions, as in docs/measurements.md.

    python tools/proportions.py CLIPS [--of embrace push ...] [--each 2]    # a folder of clips, such as compose writes
    python tools/proportions.py MOTION.npz ...                              # motion files, such as generate writes

A line for each clip and pair of bodies, then a table: what is over the source's, without the solver and with it.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from intermamba.errors import IntermambaError
from intermamba.motion.features import foot_contacts
from intermamba.motion.metrics import jerk_percentile, penetration_depth
from intermamba.motion.motion import Motion, load_motion
from intermamba.motion.skeleton import PELVIS
from intermamba.retarget import Rig, map_bones
from intermamba.retarget.body import body_of
from intermamba.retarget.pair import Contact, contact_distance, find_contacts
from intermamba.retarget.pair.bodies import Pair, pair_on, source_pair
from intermamba.retarget.pair.solve import keep_contacts
from tests.retarget.pair.pairs import UNLIKE, arm_in_trunk, skate
from training.data.clips import FPS, load_clips

FIGURES = (
    "contact missed at the worst frame, cm",
    "depth, 95th percentile, cm",
    "depth of arms in trunks, 95th percentile, cm",
    "foot skate, cm/s",
    "jerk, times",
)


@dataclass(frozen=True)
class Row:
    """FIGURES of one clip on one pair of bodies, and CPU seconds of the solver for 300 frames."""

    without: np.ndarray
    kept: np.ndarray
    seconds: float


def main() -> int:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+", help="folders of clips, or motion files")
    parser.add_argument("--of", nargs="+", metavar="NAME", help="interactions (default: all)")
    parser.add_argument("--each", type=int, default=1, metavar="N", help="clips of each (default: 1)")
    options = parser.parse_args()
    rows = []
    try:
        for path in options.clips:
            for name, motion in motions(path, options.of, options.each):
                for unlike, rigs in UNLIKE.items():
                    rows.append(measure(motion, rigs))
                    print(f"{name}, {unlike}: {line(rows[-1])}", flush=True)
    except IntermambaError as error:
        print(f"proportions: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


def motions(path: Path, of: list[str] | None, each: int) -> Iterator[tuple[str, Motion]]:
    """Names and motions of a motion file, or of the first clips of each interaction of a folder."""
    if not path.is_dir():
        yield path.stem, load_motion(path)
        return
    seen: dict[str, int] = {}
    for clip in sorted(load_clips(path), key=lambda clip: clip.id):
        seen[clip.interaction] = seen.get(clip.interaction, 0) + 1
        if seen[clip.interaction] <= each and (of is None or clip.interaction in of):
            root, contacts = clip.joints[:, :, PELVIS], foot_contacts(clip.joints)
            yield clip.id, Motion(clip.joints, clip.rotations, root, clip.rest, contacts, FPS)


def measure(motion: Motion, rigs: tuple[Rig, Rig]) -> Row:
    """Solve for two rigs, and measure."""
    contacts, source = find_contacts(motion), source_pair(motion)
    first, second = (body_of(one, map_bones(one), motion.rest[n]) for n, one in enumerate(rigs))
    base = pair_on(motion, (first, second))
    started = time.process_time()
    solved = keep_contacts(source, base, contacts, motion.fps, [set(first.bones), set(second.bones)])
    seconds = (time.process_time() - started) * 300 / motion.frames
    without, kept = (figures(source, pair, contacts, motion.fps) for pair in (base, solved))
    return Row(without, kept, seconds)


def figures(source: Pair, pair: Pair, contacts: list[Contact], fps: float) -> np.ndarray:
    """FIGURES of a pair beside its source."""
    touches = [contact.touch for contact in contacts]
    missed = max((off.max() for off in contact_distance(source, pair, contacts)), default=0.0)
    deep = [np.percentile(penetration_depth(one.joints, touches, one.girth), 95) for one in (pair, source)]
    arms = [np.percentile(arm_in_trunk(one), 95) for one in (pair, source)]
    slides = max(skate(pair, person, fps) - skate(source, person, fps) for person in (0, 1))
    jerk = jerk_percentile(pair.joints, fps) / jerk_percentile(source.joints, fps)
    return np.array([100 * missed, 100 * (deep[0] - deep[1]), 100 * (arms[0] - arms[1]), slides, jerk])


def line(row: Row) -> str:
    """The solver's figures of one row."""
    found = (f"{value:.2f} {what}" for what, value in zip(FIGURES, row.kept, strict=True))
    return "; ".join([*found, f"{row.seconds:.1f} CPU seconds for 300 frames"])


def table(rows: list[Row]) -> str:
    """Mean and worst of all rows in Markdown."""
    out = ["| over the source's | without the solver | with it |", "|---|---|---|"]
    for n, what in enumerate(FIGURES):
        sides = ([row.without[n] for row in rows], [row.kept[n] for row in rows])
        cells = (f"{np.mean(values):.1f}, {max(values):.1f}" for values in sides)
        out.append(f"| {what} | {' | '.join(cells)} |")
    seconds = [row.seconds for row in rows]
    out.append(f"| CPU seconds for 300 frames | | {min(seconds):.1f} to {max(seconds):.1f} |")
    return "\n".join(out)


if __name__ == "__main__":
    sys.exit(main())
