"""A gallery: many motions on one sheet, each as a strip of a few moments under its title."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..files import atomic_write
from ..motion.motion import Motion
from .camera import film
from .figures import Stage
from .lettering import FAINT, wrap, write
from .sheet import BORDER, PAPER

CELL = (164, 186)  # of one moment, pixels
TITLE = 40  # height of the line above a strip
GUTTER = 36  # between strips
GAP = 4  # between moments
NEAR = 2.2  # metres: moments with the people farther apart are left out where there are enough others
COLOURS = 192


def gallery(
    motions: Sequence[tuple[str, Motion]], path: str | Path, *, columns: int = 2, moments: int = 5
) -> None:
    """Write motions, each with its title, as a .png: `moments` pictures of each in a strip, strips in columns.

    Raises IntermambaError when `path` cannot be written.
    """
    sheet = draw_gallery(motions, columns=columns, moments=moments)
    with atomic_write(path) as temporary:
        sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(temporary, format="PNG", optimize=True)


def draw_gallery(motions: Sequence[tuple[str, Motion]], *, columns: int, moments: int) -> Image.Image:
    """The gallery as a picture, see gallery()."""
    columns = min(columns, len(motions))
    rows = -(-len(motions) // columns)
    width, height = _strip_width(moments), TITLE + CELL[1]
    size = (2 * BORDER + columns * (width + GUTTER) - GUTTER, 2 * BORDER + rows * (height + GUTTER // 2))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (title, motion) in enumerate(motions):
        row, column = divmod(number, columns)
        left, top = BORDER + column * (width + GUTTER), BORDER + row * (height + GUTTER // 2)
        write(draw, (left, top + TITLE - 12), title, 25, anchor="ls")
        room = width - len(title) * 15
        write(
            draw,
            (left + width, top + TITLE - 12),
            wrap(motion.prompt, 16, room, 1)[0],
            16,
            anchor="rs",
            ink=FAINT,
        )
        sheet.paste(draw_strip(motion, moments), (left, top + TITLE))
    return sheet


def draw_strip(motion: Motion, moments: int) -> Image.Image:
    """The motion's moments side by side; the camera goes along with the pair and keeps its distance."""
    poses = motion.joints[:, choose_moments(motion.joints, moments)].astype(float)
    poses = poses - poses[:, :, :1].mean(axis=0) * (1, 0, 1)
    strip = Image.new("RGB", (_strip_width(moments), CELL[1]), PAPER)
    stage, cameras = Stage(), film(poses, motion.fps, CELL)
    for number in range(moments):
        picture = stage.draw(poses[:, number], cameras[number])
        strip.paste(picture, (number * (CELL[0] + GAP), 0))
    return strip


def _strip_width(moments: int) -> int:
    return moments * (CELL[0] + GAP) - GAP


def choose_moments(joints: np.ndarray, count: int) -> np.ndarray:
    """Frames (count,) of joints (2,T,22,3), evenly spread over those in which the two are near each other."""
    distance = np.linalg.norm((joints[0, :, 0] - joints[1, :, 0])[:, [0, 2]], axis=-1)
    frames = np.flatnonzero(distance <= NEAR)
    if len(frames) < max(len(distance) // 3, 1):
        frames = np.arange(len(distance))
    return frames[np.linspace(0, len(frames) - 1, 2 * count + 1).round().astype(int)[1::2]]
