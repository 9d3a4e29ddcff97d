"""`make gallery`: a clip of every interaction that the bundled model knows, on one sheet.

python tools/gallery.py [-o docs/interactions.png] [--videos FOLDER] [--model NAME|FOLDER] [--seed N]
python tools/gallery.py --all -o out/all.png --videos out/videos     # of those that it does not know yet too
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from intermamba.bundles.bundle import Prompt
from intermamba.cli.console import Progress
from intermamba.engines.base import Engine, Request, load_engine
from intermamba.errors import IntermambaError
from intermamba.motion.motion import Motion
from intermamba.render.gallery import gallery
from intermamba.render.video import video
from training.compose.score import load_scores
from training.prompts import load_interactions

SHEET = Path("docs/interactions.png")


def main() -> int:
    """Make the clips and write the sheet, and a video of each where a folder is given for them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", dest="sheet", type=Path, metavar="FILE", help=f"default: {SHEET}")
    parser.add_argument(
        "--all", action="store_true", help="every interaction of training/prompts.toml, known or not"
    )
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="write an .mp4 of each there too")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="default: the bundled one")
    parser.add_argument("--seed", type=int, default=0, help="of every clip (default: 0)")
    arguments = parser.parse_args()
    if arguments.all and not arguments.sheet:
        parser.error(f"--all needs -o, for {SHEET} shows what the model knows")
    sheet = arguments.sheet or SHEET
    progress = Progress()
    try:
        engine = load_engine(arguments.model, "cpu")
        prompts = every_prompt() if arguments.all else engine.bundle.prompts
        motions = make_clips(engine, prompts, arguments.seed, progress)
        gallery(motions, sheet)
        if arguments.videos:
            write_videos(motions, arguments.videos, progress)
    except IntermambaError as error:
        progress.clear()
        print(f"gallery: {error}", file=sys.stderr)
        return 1
    progress.clear()
    print(f"{sheet}: {len(motions)} interactions, {sheet.stat().st_size / 1e6:.2f} MB")
    return 0


def every_prompt() -> list[Prompt]:
    """The prompts of every interaction that there is a score of."""
    interactions = load_interactions([score.name for score in load_scores()])
    return [entry for interaction in interactions for entry in interaction.entries()]


def make_clips(
    engine: Engine, prompts: list[Prompt], seed: int, progress: Progress
) -> list[tuple[str, Motion]]:
    """A motion for the first prompt of each interaction, with its title."""
    firsts: dict[str, Prompt] = {}
    for entry in prompts:
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
