"""`intermamba generate`: a prompt to files."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ..engines.base import Device, Engine, Request, load_engine
from ..errors import Cancelled, IntermambaError
from ..motion.bvh import write_pair_bvh
from ..motion.motion import Motion, save_motion
from .console import FailedError, Progress

DEVICES = get_args(Device)
PICTURES = (".png", ".mp4", ".gif")
ENDINGS = (".npz", ".bvh", *PICTURES)
MAX_TAKES = 1000


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `generate` to the command line."""
    parser = commands.add_parser("generate", help="make a motion from a prompt", description=__doc__)
    parser.add_argument("prompt", help='what the two people do: "Two people dance salsa"')
    parser.add_argument("--frames", type=int, default=Request.frames, help="length (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another motion (default: 0)")
    parser.add_argument(
        "--takes", type=int, default=1, metavar="K", help="make K motions: seed, seed + 1, ..."
    )
    parser.add_argument("--steps", type=int, help="sampling steps (default: the model's)")
    parser.add_argument(
        "--guidance", type=float, help="how strictly to follow the prompt (default: the model's)"
    )
    add_engine_options(parser)
    parser.add_argument(
        "-o", dest="outputs", action="append", type=Path, metavar="FILE",
        help="where to: .npz, .bvh (one file per person), .png contact sheet, .mp4, .gif; "
        "may be given several times (default: motion.npz)",
    )  # fmt: skip
    parser.set_defaults(run=run)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--model and --device."""
    parser.add_argument(
        "--model", metavar="NAME|FOLDER", help="see `intermamba models` (default: the bundled one)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")


def run(arguments: argparse.Namespace) -> int:
    """Check everything that can be checked, then sample and write each take."""
    outputs = arguments.outputs or [Path("motion.npz")]
    for path in outputs:
        check_output(path)
    if not 1 <= arguments.takes <= MAX_TAKES:
        raise IntermambaError(f"Ask for 1 to {MAX_TAKES} takes; {arguments.takes} was given.")
    progress = Progress()
    progress.show("loading the model")
    try:
        engine = load_engine(arguments.model, arguments.device)
        names = ("prompt", "frames", "seed", "steps", "guidance")
        request = Request(**{name: getattr(arguments, name) for name in names})
        request.validate(engine.bundle)
        _make_takes(engine, request, outputs, arguments.takes, progress)
    finally:
        progress.clear()
    return 0


def _make_takes(
    engine: Engine, request: Request, outputs: list[Path], takes: int, progress: Progress
) -> None:
    for take in range(takes):
        label = f"take {take + 1} of {takes}, " if takes > 1 else ""
        wanted = replace(request, seed=request.seed + take)
        paths = [path.with_stem(f"{path.stem}_{take + 1}") for path in outputs] if takes > 1 else outputs
        try:
            motion = engine.sample(
                wanted,
                lambda step, label=label: progress.show(f"{label}sampling", step.index + 1, step.total),
                None if take else lambda sentence: _warn(progress, sentence),
            )
            for path in paths:
                written = write(path, motion, _reporter(progress, f"{label}{path.name}"))
                progress.clear()
                print(*written, sep="\n", flush=True)
        except Cancelled:
            raise
        except IntermambaError as error:
            raise FailedError(str(error)) from error


def _warn(progress: Progress, sentence: str) -> None:
    progress.clear()
    print(f"intermamba: {sentence}", file=sys.stderr, flush=True)


def _reporter(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress.show(what, done, total)


def write(path: Path, motion: Motion, on_frame: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write the motion in the format that the path's ending names, and return the files."""
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return list(write_pair_bvh(path, motion))
    if suffix == ".npz":
        save_motion(path, motion)
    elif suffix == ".png":
        from ..render.sheet import contact_sheet

        contact_sheet(motion, path)
    else:
        from ..render.video import video

        video(motion, path, on_frame=on_frame)
    return [path]


def check_output(path: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Raise IntermambaError for a path that could not be written later, or that ends in none of `endings`."""
    suffix = path.suffix.lower()
    if suffix not in endings:
        raise IntermambaError(f"{path} has no known ending: give {' or '.join(endings)}.")
    if path.is_dir():
        raise IntermambaError(f"{path} is a folder: give a file name with -o.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise IntermambaError(f"Cannot write {path}: {folder} is not a folder that you may write to.")
    if suffix in PICTURES:
        from ..render import video  # says what to install where Pillow is missing

        if suffix == ".mp4":
            video.find_ffmpeg()
