"""A contact sheet: a motion at a glance."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..files import atomic_write
from ..motion.motion import Motion
from .camera import film
from .figures import Stage
from .lettering import FAINT, INK, wrap, write

PAPER = (250, 249, 247)
GAP = 10
BORDER = 28
GHOST_TIMES = (0.4, 0.2)  # seconds before each picture


def contact_sheet(
    motion: Motion,
    path: str | Path,
    *,
    pictures: int = 8,
    columns: int = 4,
    cell: tuple[int, int] = (340, 320),
) -> None:
    """Write `pictures` moments of the motion, evenly spread, with their times under its prompt, as a .png.

    Each shows where the people came from as ghosts. Raises IntermambaError when `path` cannot be written.
    """
    image = draw_sheet(motion, pictures=pictures, columns=columns, cell=cell)
    with atomic_write(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)


def draw_sheet(motion: Motion, *, pictures: int, columns: int, cell: tuple[int, int]) -> Image.Image:
    """The sheet as a picture, see contact_sheet."""
    pictures = min(pictures, motion.frames)
    columns = min(columns, pictures)
    rows = -(-pictures // columns)
    width = 2 * BORDER + columns * (cell[0] + GAP) - GAP
    title = wrap(motion.prompt or "Two people", 30, width - 2 * BORDER, 2)
    top = BORDER + 38 * len(title) + 34
    sheet = Image.new("RGB", (width, top + rows * (cell[1] + GAP) - GAP + BORDER), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(title):
        write(draw, (BORDER, BORDER - 8 + 38 * row), line, 30)
    write(draw, (BORDER, top - 38), _facts(motion), 16, ink=FAINT)
    cameras = film(motion.joints, motion.fps, cell)
    stage = Stage()
    for number, frame in enumerate(np.linspace(0, motion.frames - 1, pictures).round().astype(int).tolist()):
        past = [frame - round(seconds * motion.fps) for seconds in GHOST_TIMES]
        ghosts = [motion.joints[:, k] for k in past if k >= 0]
        picture = stage.draw(motion.joints[:, frame], cameras[frame], ghosts)
        time = f"{frame / motion.fps:.1f} s"
        write(ImageDraw.Draw(picture), (12, cell[1] - 12), time, 16, anchor="ls", ink=INK)
        row, column = divmod(number, columns)
        sheet.paste(picture, (BORDER + column * (cell[0] + GAP), top + row * (cell[1] + GAP)))
    return sheet


def _facts(motion: Motion) -> str:
    length = f"{motion.frames / motion.fps:.1f} s, {motion.frames} frames"
    return "    ".join(filter(None, (length, motion.model and f"seed {motion.seed}", motion.model)))
