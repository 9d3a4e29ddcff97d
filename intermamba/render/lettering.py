"""Text in pictures, in the typeface that comes with Pillow."""

from functools import cache

from PIL import ImageDraw, ImageFont

INK = (58, 60, 68)
FAINT = (122, 124, 132)


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The typeface at `size` pixels."""
    return ImageFont.load_default(size)


def wrap(text: str, size: float, width: float, lines: int) -> list[str]:
    """`text` in at most `lines` lines that are no wider than `width` pixels; what is cut off ends in an ellipsis."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and font(size).getlength(longer) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    cut = len(rows) > lines
    rows = rows[:lines]
    while rows[-1] and font(size).getlength(rows[-1] + "..." * cut) > width:
        rows[-1], cut = rows[-1][:-1], True
    return [*rows[:-1], rows[-1] + "..." * cut]


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: float,
    *,
    anchor: str = "la",
    ink: tuple[int, int, int] = INK,
) -> None:
    """Write one line; `anchor` as Pillow's: "la" is left and top, "rs" right and baseline."""
    draw.text(at, text, fill=ink, font=font(size), anchor=anchor)
