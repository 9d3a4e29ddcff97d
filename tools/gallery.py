"""`make gallery`: a clip of every interaction that the bundled model knows, on one sheet.

python tools/gallery.py [-o docs/interactions.png] [--videos FOLDER] [--model NAME|FOLDER] [--seed N]
"""

import argparse
import re
import sys
from pathlib import Path

from intermamba.bundles.bundle import Prompt
from intermamba.cli.console import Progress
from intermamba.engines.base import Engine, Request, load_engine
from intermamba.errors import IntermambaError
from intermamba.motion.motion import Motion
from intermamba.render.gallery import gallery
from intermamba.render.video import video


def main() -> int:
    """Make the clips and write the sheet, and a video of each where a folder is given for them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", dest="sheet", type=Path, default=Path("docs/interactions.png"), metavar="FILE")
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="write an .mp4 of each there too")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="default: the bundled one")
    parser.add_argument("--seed", type=int, default=0, help="of every clip (default: 0)")
    arguments = parser.parse_args()
    progress = Progress()
    try:
        engine = load_engine(arguments.model, "cpu")
        motions = make_clips(engine, arguments.seed, progress)
        gallery(motions, arguments.sheet)
        if arguments.videos:
            write_videos(motions, arguments.videos, progress)
    except IntermambaError as error:
        progress.clear()
        print(f"gallery: {error}", file=sys.stderr)
        return 1
    progress.clear()
    print(f"{arguments.sheet}: {len(motions)} interactions, {arguments.sheet.stat().st_size / 1e6:.2f} MB")
    return 0


def make_clips(engine: Engine, seed: int, progress: Progress) -> list[tuple[str, Motion]]:
    """A motion for the first prompt of each interaction, with its title."""
    firsts: dict[str, Prompt] = {}
    for entry in engine.bundle.prompts:
        firsts.setdefault(entry.interaction or entry.prompt, entry)
    motions = []
    for number, entry in enumerate(firsts.values()):
        progress.show("sampling", number, len(firsts))
        frames = min(round(entry.seconds * engine.bundle.fps), engine.bundle.max_frames)
        motion = engine.sample(Request(prompt=entry.prompt, frames=frames, seed=seed))
        motions.append((entry.title or entry.prompt, motion))
    return motions


def write_videos(motions: list[tuple[str, Motion]], folder: Path, progress: Progress) -> None:
    """Write an .mp4 for each motion, named after its title."""
    for number, (title, motion) in enumerate(motions):
        progress.show("drawing videos", number, len(motions))
        name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
        video(motion, folder / f"{name}.mp4", size=(480, 400))


if __name__ == "__main__":
    sys.exit(main())
