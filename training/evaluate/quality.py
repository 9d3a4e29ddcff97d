"""Generated and real motion side by side: `python -m training.evaluate.quality [BUNDLE] --data FOLDER [--prompt P]`.

FOLDER holds real clips (see training.data.clips). Prints a Markdown table: mean and range of each metric. With
--motions a folder of motion files is judged, such as training.evaluate.success --keep leaves, and nothing is made.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from intermamba.engines.base import Request, load_engine
from intermamba.errors import IntermambaError
from intermamba.motion.metrics import summary
from intermamba.motion.motion import load_motion
from training.data.clips import FPS, load_clips

Metrics = dict[str, list[float]]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.quality", description=__doc__)
    parser.add_argument("bundle", nargs="?", help="name or folder; the bundled model without it")
    parser.add_argument("--data", type=Path, required=True, help="folder of real clips")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="ID", help="only the real clips whose ids start with these"
    )
    parser.add_argument("--motions", type=Path, metavar="FOLDER", help="motion files to judge instead")
    parser.add_argument("--prompt", default="Two people dance salsa")
    parser.add_argument("--frames", type=int, default=210)
    parser.add_argument("--seeds", type=int, default=8, help="how many motions to generate")
    options = parser.parse_args(arguments)
    try:
        real = real_metrics(options.data, tuple(options.only))
        if options.motions:
            made = motion_metrics(options.motions)
        else:
            made = generated_metrics(options.bundle, options.prompt, options.frames, options.seeds)
    except IntermambaError as error:
        print(f"quality: {error}", file=sys.stderr)
        return 1
    print(table(made, real))
    return 0


def real_metrics(folder: Path, prefixes: tuple[str, ...] = ("",)) -> Metrics:
    """Metrics of the clips of a folder, a value for each clip."""
    return _gather([summary(c.joints, FPS) for c in load_clips(folder) if c.id.startswith(prefixes)])


def motion_metrics(folder: Path) -> Metrics:
    """Metrics of the motion files of a folder, a value for each."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise IntermambaError(f"{folder} holds no motion files (.npz).")
    return _gather([summary(motion.joints, motion.fps) for motion in map(load_motion, paths)])


def generated_metrics(bundle: str | None, prompt: str, frames: int, seeds: int) -> Metrics:
    """Metrics of motions made with seeds 0, 1, ..., a value for each, at the bundle's default settings."""
    engine = load_engine(bundle)
    motions = (engine.sample(Request(prompt=prompt, frames=frames, seed=seed)) for seed in range(seeds))
    return _gather([summary(motion.joints, motion.fps) for motion in motions])


def table(made: Metrics, real: Metrics) -> str:
    """Markdown rows of mean and range, and of the generated mean over the real one."""
    lines = ["| metric | generated: mean (range) | real: mean (range) | ratio |", "|---|---|---|---|"]
    for name, values in made.items():
        ratio = np.mean(values) / np.mean(real[name]) if np.mean(real[name]) > 1e-4 else np.nan
        cells = (_cell(values), _cell(real[name]), "" if np.isnan(ratio) else f"{ratio:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def _gather(rows: list[dict[str, float]]) -> Metrics:
    return {name: [row[name] for row in rows] for name in rows[0]}


if __name__ == "__main__":
    sys.exit(main())
